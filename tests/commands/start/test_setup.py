"""The very first start, and every later one."""

import json
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.test import Client

from accounts.models import User
from audit.models import Event
from config import profiles
from config.profiles import Profile, shipped_names
from tests.commands.helpers import assert_one_line, output_of, refusal_of, run
from tests.installation import ADMIN, MANAGE_PY, Installation

PASSWORD = ADMIN["KEYHOUSE_ADMIN_PASSWORD"]


def people(installation: Installation) -> list[str]:
    """Return the names of all users."""
    return [name for (name,) in installation.query("SELECT username FROM accounts_user")]


@pytest.mark.fast
def test_the_first_start_takes_the_administrator_from_the_environment(
    bare_installation: Installation,
) -> None:
    first = replace(bare_installation, manage_py=MANAGE_PY).manage("setup", "--json", **ADMIN)
    assert (first.returncode, first.stderr) == (0, "")
    assert json.loads(first.stdout) == {"admin": "admin"}
    key = bare_installation.manage_json(
        "createapikey", "--name", "k", "--user", "admin@example.org", "--scope", "users:write"
    )
    assert key["scopes"] == ["users:write"]
    organization = bare_installation.manage("createorganization", "--name", "DEFAULT")
    assert_one_line(organization, "DEFAULT is taken by another organization")


@pytest.mark.once
def test_a_later_start_changes_nothing(installation: Installation) -> None:
    again = installation.manage("setup", "--json", **ADMIN | {"KEYHOUSE_ADMIN_USERNAME": "other"})
    assert (again.returncode, again.stderr) == (0, "")
    assert json.loads(again.stdout) == {"admin": None}
    assert people(installation) == ["admin"]


@pytest.mark.once
@pytest.mark.requirement(12)
def test_a_password_is_made_up_and_printed_once(migrated_installation: Installation) -> None:
    done = migrated_installation.manage("setup")
    assert (done.returncode, done.stderr) == (0, "")
    line = next(line for line in done.stdout.splitlines() if line.startswith("Password: "))
    password = line.split()[1]
    assert len(password) >= 24
    assert f'"password": "{password}"' in done.stdout
    assert password not in migrated_installation.manage("setup").stdout
    with migrated_installation.serve() as server:
        body = {"username": "admin", "password": password}
        assert server.request("POST", "/api/v1/auth/login", body=body).status == 200
    assert password not in server.output


@pytest.mark.once
@pytest.mark.parametrize("profile", shipped_names())
@pytest.mark.requirement(12)
def test_the_line_that_is_printed_logs_in_under_every_profile(
    db: None,
    profile: str,
    served_profile: Callable[[Profile], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served_profile(profiles.load(profile))
    monkeypatch.setenv("KEYHOUSE_ADMIN_EMAIL", "o'hara@example.org")
    line = next(line for line in output_of("setup").splitlines() if line.startswith("Log in: "))
    _, address, *_, body = shlex.split(line.removeprefix("Log in: "))
    answer = Client().post(urlsplit(address).path, body, content_type="application/json")
    assert answer.status_code == 200, (line, answer.content)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"KEYHOUSE_ADMIN_PASSWORD": "short"}, ("KEYHOUSE_ADMIN_PASSWORD: ", "at least 15")),
        ({"KEYHOUSE_ADMIN_PASSWORD": "passwordpassword"}, ("KEYHOUSE_ADMIN_PASSWORD: ",)),
        ({**ADMIN, "KEYHOUSE_ADMIN_USERNAME": "a b"}, ("KEYHOUSE_ADMIN_USERNAME: ",)),
        ({**ADMIN, "KEYHOUSE_ADMIN_EMAIL": "nobody"}, ("KEYHOUSE_ADMIN_EMAIL: ",)),
        ({"KEYHOUSE_ADMIN_EMAIL": "nobody"}, ("KEYHOUSE_ADMIN_EMAIL: ",)),
    ],
)
@pytest.mark.once
def test_an_invalid_first_administrator_is_refused_and_nothing_is_written(
    db: None, settings: dict[str, str], words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    said = refusal_of("setup", "--json")
    assert said.isprintable() and all(word in said for word in words), said
    assert settings.get("KEYHOUSE_ADMIN_PASSWORD", "nothing") not in said
    assert not User.objects.exists()
    assert not Event.objects.exists()


@pytest.mark.once
def test_the_password_can_come_from_a_file(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    monkeypatch.setenv("KEYHOUSE_ADMIN_PASSWORD_FILE", str(file))
    assert "Password:" not in output_of("setup")
    assert User.objects.get().check_password(PASSWORD)


@pytest.mark.once
def test_an_organization_created_before_the_first_start_does_not_disturb_it(db: None) -> None:
    run("createorganization", "--name", "default")
    assert run("setup")["admin"] == "admin"


@pytest.mark.once
def test_a_database_with_some_of_the_migrations_that_are_one_now_is_refused(
    installation: Installation,
) -> None:
    def record(*names: str) -> None:
        for name in names:
            row = f"('accounts', '{name}', CURRENT_TIMESTAMP)"
            installation.query(f"INSERT INTO django_migrations (app, name, applied) VALUES {row}")

    record("0011_registration_attempts", "0012_issues_recorded")
    for command in ("setup", "serve"):
        assert_one_line(
            installation.manage(command), "accounts.0019_email_domains", "setup of the last version"
        )
    record("0019_email_domains")
    assert "Nothing to do" in installation.manage("setup").stdout


@pytest.mark.fast
def test_a_first_start_that_ended_between_two_apps_is_taken_up_by_the_next(
    bare_installation: Installation,
) -> None:
    assert bare_installation.manage("migrate", "accounts").returncode == 0
    done = bare_installation.manage("setup", "--json", **ADMIN)
    assert (json.loads(done.stdout or "null"), done.stderr) == ({"admin": "admin"}, "")


def test_of_several_first_starts_at_once_one_makes_the_administrator(
    bare_installation: Installation,
) -> None:
    starts = [
        subprocess.Popen(
            [*bare_installation.manage_py, "setup", "--json"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=bare_installation.environment | ADMIN | {"KEYHOUSE_ADMIN_USERNAME": f"admin{number}"},
        )
        for number in range(4)
    ]
    answers = [(*process.communicate(timeout=300), process.returncode) for process in starts]
    assert [(error, code) for _, error, code in answers] == [("", 0)] * 4
    admins = [json.loads(output)["admin"] for output, _, _ in answers]
    assert admins.count(None) == 3
    assert people(bare_installation) == [name for name in admins if name]


@pytest.mark.once
def test_what_the_first_start_writes_is_for_its_owner_alone(installation: Installation) -> None:
    folder = installation.folder / "var"
    assert (folder.stat().st_mode & 0o777) == 0o700
    files = [*folder.iterdir(), *installation.folder.glob("*.sqlite3*")]
    assert {file.name for file in files} >= {"secret_key", "peppers"}
    assert {file.stat().st_mode & 0o077 for file in files} == {0}
