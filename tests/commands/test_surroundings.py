"""What a command says when its surroundings are wrong: one line that names what it is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.helpers import assert_one_line
from tests.installation import PROJECT, Installation
from tests.privileges import drop_privileges

pytestmark = pytest.mark.slow

KEYHOUSE = PROJECT / "config" / "profiles" / "keyhouse.toml"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"KEYHOUSE_PEPPERS": "1:beef"}, ("KEYHOUSE_PEPPERS", "item 1")),
        ({"DATABASE_URL": "mysql://root:hunter2@db/keys"}, ("DATABASE_URL",)),
        ({"DATABASE_URL": "hunter2"}, ("DATABASE_URL",)),
        ({"DATABASE_URL": "postgres://root:hunter2@127.0.0.1:port/keys"}, ("DATABASE_URL",)),
        ({"DATABASE_URL": "postgres://[hunter2"}, ("DATABASE_URL",)),
        ({"DATABASE_URL": "postgres://root:hunter2@127.0.0.1:1/keys"}, ("database", "refused")),
        ({"DATABASE_URL": "sqlite:////nowhere/at/all/keys.sqlite3"}, ("database", "unable to open")),
        ({"EMAIL_URL": "pigeon://root:hunter2@loft"}, ("EMAIL_URL",)),
        ({"EMAIL_URL": "smtp://root:hunter2@mail:port"}, ("EMAIL_URL",)),
        ({"CACHE_URL": "pigeon://root:hunter2@loft"}, ("CACHE_URL",)),
        ({"KEYHOUSE_TRUSTED_PROXIES": "10.0.0.0/8, 10.0.0.300"}, ("KEYHOUSE_TRUSTED_PROXIES", "10.0.0.300")),
        ({"KEYHOUSE_METRICS_NETWORKS": "loopback"}, ("KEYHOUSE_METRICS_NETWORKS", "loopback")),
        ({"KEYHOUSE_PUBLIC_URL": "ftp://keys.example.org"}, ("KEYHOUSE_PUBLIC_URL",)),
        ({"KEYHOUSE_BIND": "everywhere"}, ("KEYHOUSE_BIND",)),
        ({"DEBUG": "perhaps"}, ("DEBUG", "perhaps")),
        ({"KEYHOUSE_PROFILE": "nonesuch"}, ("nonesuch", "KEYHOUSE_PROFILE", "keyhouse")),
        ({"KEYHOUSE_PROFILE": "/nowhere/at.toml"}, ("/nowhere/at.toml", "cannot be read")),
        ({"SECRET_KEY_FILE": "/nowhere/at/all"}, ("SECRET_KEY_FILE", "/nowhere/at/all")),
        ({"DATABASE_URL": "", "DATABASE_URL_FILE": "/"}, ("DATABASE_URL_FILE", "directory")),
        ({"KEYHOUSE_DATA_DIR": "/dev/null"}, ("KEYHOUSE_DATA_DIR", "/dev/null")),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(
    shared_installation: Installation, settings: dict[str, str], words: tuple[str, ...]
) -> None:
    done = shared_installation.manage("auditverify", "--json", **settings)
    assert_one_line(done, *words)
    assert "hunter2" not in done.stderr


def test_a_broken_profile_is_named_with_the_member(shared_installation: Installation, tmp_path: Path) -> None:
    profile = tmp_path / "mine.toml"
    for text, words in (
        ("this is not TOML", (str(profile), "TOML")),
        (KEYHOUSE.read_text().replace("base_path", "bass_path"), (str(profile), "product.bass_path")),
    ):
        profile.write_text(text)
        for command in ("serve", "setup", "auditverify", "listapikeys"):
            done = shared_installation.manage(command, KEYHOUSE_PROFILE=str(profile))
            assert_one_line(done, *words)


@pytest.mark.parametrize(
    "arguments",
    [
        ("listapikeys",),
        ("auditverify",),
        ("createorganization", "--name", "Acme"),
        ("createapikey", "--name", "k", "--organization", "Acme"),
    ],
)
def test_a_database_that_is_not_set_up_is_said_so(
    bare_installation: Installation, arguments: tuple[str, ...]
) -> None:
    assert_one_line(bare_installation.manage(*arguments), "has manage.py setup been run?")


def test_serve_refuses_a_database_that_is_not_set_up(bare_installation: Installation) -> None:
    assert_one_line(bare_installation.manage("serve"), "not set up", "manage.py setup")


def test_an_unreachable_database_stops_setup_and_serve(bare_installation: Installation) -> None:
    nowhere = {"DATABASE_URL": "postgres://root:hunter2@127.0.0.1:1/keys"}
    for command in ("setup", "serve"):
        assert_one_line(bare_installation.manage(command, **nowhere), "database", "refused")


def run_in(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command with the data folder `folder`, as somebody whom the modes of files hold back."""
    return subprocess.run(
        [sys.executable, str(PROJECT / "manage.py"), *arguments],
        text=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
        env={"PATH": os.environ["PATH"], "KEYHOUSE_DATA_DIR": str(folder)},
        preexec_fn=drop_privileges,
    )


@pytest.mark.parametrize("mode", [0o000, 0o555])
def test_a_data_folder_that_cannot_be_used_is_named(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(mode)
    done = run_in(folder, "setup")
    folder.chmod(0o755)
    assert_one_line(done, "KEYHOUSE_DATA_DIR", str(folder), "Permission denied")
    assert list(folder.iterdir()) == []


def test_a_database_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    assert run_in(tmp_path, "setup").returncode == 0
    (tmp_path / "keyhouse.sqlite3").chmod(0o444)
    tmp_path.chmod(0o555)
    done = run_in(tmp_path, "createorganization", "--name", "Acme")
    tmp_path.chmod(0o755)
    assert_one_line(done, "database")


def test_a_relative_data_folder_is_the_same_wherever_one_stands(tmp_path: Path) -> None:
    """Half of the commands would otherwise work on a second, empty installation."""
    name = os.path.relpath(tmp_path / "var", PROJECT)
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
