"""copydatabase copies all or nothing, and says what stands in the way."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from accounts.models import User
from audit import triggers
from audit.models import ChainHead, Event
from config.commands import terminal
from config.database.copying import NOT_COPIED, REPLACED, copied_models
from config.env import ConfigurationError
from tests.commands.helpers import output_of, refusal_of, run
from tests.conftest import add_user
from tests.installation import SQLITE_FILE, Installation

pytestmark = [
    pytest.mark.skipif(os.environ.get("KEYHOUSE_TEST_VENDOR") != "postgresql", reason="about PostgreSQL"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
]


@pytest.fixture
def source(sqlite: Installation) -> Path:
    """The database of an installation, whose secrets are forgotten: here others are in use."""
    path = sqlite.folder / SQLITE_FILE
    change(path, "DELETE FROM accounts_knownsecret")
    return path


def change(path: Path, *statements: str) -> None:
    """Change an SQLite database as its owner can, past Keyhouse and the triggers of the audit log."""
    with closing(sqlite3.connect(path)) as file, file:
        for guard in triggers.ALL:
            for statement in guard.drop["sqlite"]:
                file.execute(statement)
        for statement in statements:
            file.execute(statement)


def refusal(path: Path) -> str:
    """The error of a copy, after which nothing is in the database."""
    reason = refusal_of("copydatabase", "--from", str(path))
    assert reason.isprintable()
    assert_nothing_was_copied()
    return reason


def assert_nothing_was_copied() -> None:
    filled = [model._meta.label for model in copied_models() if model._base_manager.exists()]
    assert filled in ([], ["accounts.KnownSecret"])


def test_every_table_is_copied_or_left_out_for_a_reason() -> None:
    models = {model._meta.label: model for model in apps.get_models(include_auto_created=True)}
    assert NOT_COPIED.keys() | REPLACED <= models.keys()
    copied = {model._meta.db_table for model in copied_models()}
    left_out = {models[label]._meta.db_table for label in NOT_COPIED}
    assert not copied & left_out
    assert copied | left_out | {"django_migrations"} == set(connection.introspection.table_names())


def test_it_copies_and_says_what_comes_next(source: Path) -> None:
    printed = output_of("copydatabase", "--from", str(source))
    assert ["accounts_user", "1"] in [line.split() for line in printed.splitlines()]
    assert f"The audit log is unbroken. Head: {bytes(ChainHead.objects.get().hash).hex()}\n" in printed
    assert "Keep DATABASE_URL as it is" in printed
    assert [user.username for user in User.objects.all()] == ["admin"]


def test_a_dry_run_counts_and_copies_nothing(source: Path) -> None:
    document = run("copydatabase", "--from", f"sqlite:///{source}", "--dry-run")
    assert document["dry_run"] is True
    assert (document["rows"]["accounts_user"], document["rows"]["audit_event"]) == (1, 3)
    assert_nothing_was_copied()


def test_it_says_how_far_it_is(
    source: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(terminal, "PROGRESS_SECONDS", 0)
    monkeypatch.setattr("config.database.copying.PART", 2)
    output_of("copydatabase", "--from", str(source))
    assert "audit_event: 2 …" in capsys.readouterr().err.splitlines()


def test_a_database_in_use_by_another_process_is_refused(source: Path) -> None:
    with closing(sqlite3.connect(source)) as file:
        file.execute("SELECT * FROM accounts_user").fetchall()  # a thread of a server keeps it open so
        assert f"another process has {source} open" in refusal(source)
    run("copydatabase", "--from", str(source))


def test_nobody_else_gets_into_the_source_meanwhile(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(name: str, number: int) -> None:
        with closing(sqlite3.connect(source, timeout=0)) as file, pytest.raises(sqlite3.OperationalError):
            file.execute("UPDATE accounts_user SET name = 'Mallory'")
        written.append(name)

    written: list[str] = []
    monkeypatch.setattr("config.database.copying.PART", 1)
    monkeypatch.setattr("config.management.commands.copydatabase.Progress", lambda quiet: write)
    run("copydatabase", "--from", str(source))
    assert "accounts_user" in written


def test_a_target_with_rows_is_refused(source: Path) -> None:
    add_user("alice")
    reason = refusal_of("copydatabase", "--from", str(source))
    assert reason.startswith("DATABASE_URL: the database is in use: ")
    assert [user.username for user in User.objects.all()] == ["alice"]


def test_only_a_database_of_this_version_is_copied(source: Path, tmp_path: Path) -> None:
    change(source, "ALTER TABLE accounts_user ADD COLUMN shoe_size integer")
    assert "does not know accounts_user.shoe_size" in refusal(source)
    change(source, "DELETE FROM django_migrations WHERE app = 'apikeys'")
    assert "not set up for this version" in refusal(source)
    sqlite3.connect(tmp_path / "empty").close()
    (tmp_path / "text").write_text("not a database" * 100)
    assert "not set up for this version" in refusal(tmp_path / "empty")
    assert "file is not a database" in refusal(tmp_path / "text")
    assert f"there is no file {tmp_path / 'none'}" in refusal(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_other_secrets_than_those_of_the_source_are_refused(sqlite: Installation) -> None:
    with pytest.raises(ConfigurationError, match="not those that the database was used with"):
        run("copydatabase", "--from", str(sqlite.folder / SQLITE_FILE))
    assert_nothing_was_copied()


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE audit_event SET actor_label = 'somebody else' WHERE sequence = 2", "event 2 was changed"),
        ("DELETE FROM audit_event WHERE sequence = 3", "the chain ends at event 2"),
    ],
)
def test_a_broken_audit_log_is_refused(source: Path, statement: str, fault: str) -> None:
    change(source, statement)
    assert fault in refusal(source)


def test_a_row_that_postgresql_refuses_is_named_without_its_values(source: Path) -> None:
    change(source, f"UPDATE accounts_user SET name = '{'secret' * 20}'")
    reason = refusal(source)
    assert reason.startswith("accounts_user, row 1 by primary key, column name: value too long")
    assert "secret" not in reason


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("uuid = 'secret'", "a value does not fit the type of its column"),
        ("version = 'secret'", "a value does not fit the type of its column"),
        ("name = CAST(x'ff' AS text) || 'secret'", "Could not decode to UTF-8 column 'name'"),
        ("name = char(0) || 'secret'", "PostgreSQL text fields cannot contain NUL (0x00) bytes"),
    ],
)
# Readers end before the source is closed: otherwise Python writes a traceback below the error.
@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_value_that_no_version_writes_is_refused_without_showing_it(
    source: Path, value: str, reason: str
) -> None:
    change(source, f"UPDATE accounts_user SET {value}")
    assert refusal(source) == f"accounts_user: {reason}"


def test_a_row_that_points_nowhere_is_refused(source: Path) -> None:
    change(source, "DELETE FROM accounts_organization")
    assert "violates foreign key constraint" in refusal(source)


def next_number() -> int:
    """Use up the next number of an account."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('accounts_user', 'id'))")
        number: int = cursor.fetchone()[0]
    return number


def test_numbers_go_on_after_those_of_deleted_rows(source: Path) -> None:
    last = next_number() + 41
    change(source, f"UPDATE sqlite_sequence SET seq = {last} WHERE name = 'accounts_user'")
    run("copydatabase", "--from", str(source))
    assert add_user("alice").pk == last + 1


def test_numbers_that_the_new_database_gave_before_are_not_given_again(source: Path) -> None:
    last = max(next_number() for _ in range(3))
    run("copydatabase", "--from", str(source))
    assert add_user("alice").pk == last + 1


def test_the_log_is_append_only_afterwards(source: Path) -> None:
    run("copydatabase", "--from", str(source))
    for statement in ("DELETE FROM audit_event", "UPDATE audit_chainhead SET sequence = 0"):
        with pytest.raises(Exception, match="cannot be"), connection.cursor() as cursor:
            cursor.execute(statement)
    assert Event.objects.count() == 3


def test_postgresql_alone_is_copied_into(sqlite: Installation) -> None:
    done = sqlite.manage("copydatabase", "--json")
    assert done.stderr == "CommandError: DATABASE_URL must be the PostgreSQL database to copy into\n"


def test_progress_is_quiet_with_json(
    source: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(terminal, "PROGRESS_SECONDS", 0)
    monkeypatch.setattr("config.database.copying.PART", 1)
    document: Any = run("copydatabase", "--from", str(source))
    assert document["rows"]["accounts_user"] == 1
    assert capsys.readouterr().err == ""
