"""A command reports a wrong environment in one line that names the problem."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.helpers import assert_one_line
from tests.installation import PROJECT, SQLITE_FILE, Installation
from tests.privileges import drop_privileges
from tests.running import migrated

pytestmark = pytest.mark.slow

KEYHOUSE = PROJECT / "config" / "profiles" / "keyhouse.toml"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"DATABASE_URL": "mysql://root:hunter2@db/keys"}, ("DATABASE_URL",)),
        ({"DATABASE_URL": "postgres://root:hunter2@127.0.0.1:1/keys"}, ("database", "refused")),
        ({"DATABASE_URL": "sqlite:////nowhere/at/all/keys.sqlite3"}, ("database", "unable to open")),
        ({"KEYHOUSE_PROFILE": "nonesuch"}, ("nonesuch", "KEYHOUSE_PROFILE", "keyhouse")),
        ({"KEYHOUSE_PROFILE": "/nowhere/at.toml"}, ("/nowhere/at.toml", "cannot be read")),
    ],
)
@pytest.mark.once
def test_a_wrong_setting_is_named_in_one_line(
    tmp_path: Path, settings: dict[str, str], words: tuple[str, ...]
) -> None:
    done = Installation(tmp_path, "").manage("auditverify", "--json", **settings)
    assert_one_line(done, *words)
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("this is not TOML", ("TOML",)),
        (KEYHOUSE.read_text().replace("base_path", "bass_path"), ("product.bass_path",)),
    ],
    ids=["no TOML", "a wrong member"],
)
@pytest.mark.once
def test_a_broken_profile_is_named_with_the_member(tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    profile = tmp_path / "mine.toml"
    profile.write_text(text)
    for command in ("serve", "setup", "auditverify", "listapikeys"):
        done = Installation(tmp_path, "").manage(command, KEYHOUSE_PROFILE=str(profile))
        assert_one_line(done, str(profile), *words)


@pytest.mark.parametrize(
    "arguments",
    [
        ("listapikeys",),  # each database words a missing table differently
        ("auditverify",),
        ("createorganization", "--name", "Acme"),
        ("createapikey", "--name", "k", "--organization", "Acme"),
    ],
)
def test_a_database_that_is_not_set_up_is_said_so(
    bare_installation: Installation, arguments: tuple[str, ...]
) -> None:
    assert_one_line(bare_installation.manage(*arguments), "run: manage.py setup")


def test_serve_refuses_a_database_that_is_not_set_up(bare_installation: Installation) -> None:
    assert_one_line(bare_installation.manage("serve"), "not set up", "manage.py setup")


@pytest.mark.once
def test_an_unreachable_database_stops_setup_and_serve(tmp_path: Path) -> None:
    nowhere = Installation(tmp_path, "postgres://root:hunter2@127.0.0.1:1/keys")
    for command in ("setup", "serve"):
        assert_one_line(nowhere.manage(command), "database", "refused")


def run_in(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command with the data folder `folder`, as a user whom file modes restrict."""
    return subprocess.run(
        [sys.executable, str(PROJECT / "manage.py"), *arguments],
        text=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
        env={"PATH": os.environ["PATH"], "KEYHOUSE_DATA_DIR": str(folder)},
        preexec_fn=drop_privileges,
    )


@pytest.mark.parametrize("mode", [0o000, 0o555])
@pytest.mark.once
def test_a_data_folder_that_cannot_be_used_is_named(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(mode)
    done = run_in(folder, "setup")
    folder.chmod(0o755)
    assert_one_line(done, "KEYHOUSE_DATA_DIR", str(folder), "Permission denied")
    assert list(folder.iterdir()) == []


@pytest.mark.once
def test_a_database_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    file = tmp_path / SQLITE_FILE
    migrated.fill(f"sqlite:///{file}")
    assert run_in(tmp_path, "setup").returncode == 0
    file.chmod(0o444)
    tmp_path.chmod(0o555)
    done = run_in(tmp_path, "createorganization", "--name", "Acme")
    tmp_path.chmod(0o755)
    assert_one_line(done, "database")


@pytest.mark.once
def test_a_relative_data_folder_is_the_same_wherever_one_stands(tmp_path: Path) -> None:
    """Half of the commands would otherwise work on a second, empty installation."""
    name = os.path.relpath(tmp_path / "var", PROJECT)
    (tmp_path / "var").mkdir(mode=0o700)
    migrated.fill(f"sqlite:///{tmp_path / 'var' / SQLITE_FILE}")
    for place in (PROJECT, tmp_path):
        done = subprocess.run(
            [sys.executable, str(PROJECT / "manage.py"), "setup"],
            cwd=place,
            env={"PATH": os.environ["PATH"], "KEYHOUSE_DATA_DIR": name},
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        assert done.returncode == 0, done.stderr
    assert "Nothing to do" in done.stdout
    assert not (tmp_path / name).resolve().exists()
