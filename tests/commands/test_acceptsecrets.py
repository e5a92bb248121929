"""A database restored beside another data folder: commands refuse to work until an operator decides."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.db import connection

from tests.commands.helpers import assert_one_line
from tests.installation import ADMIN, Answer, Installation, Server, copy_of, free_port

pytestmark = pytest.mark.slow

PEPPER = bytes(range(32)).hex()


@pytest.fixture
def elsewhere(tmp_path: Path) -> dict[str, str]:
    return {"KEYHOUSE_DATA_DIR": str(tmp_path / "elsewhere")}


class Keys(NamedTuple):
    """An installation, and its two API keys."""

    installation: Installation
    key: str
    unused: str


def new_key(installation: Installation, **settings: str) -> str:
    key = ("createapikey", "--name", "k", "--user", "admin", "--scope", "services:read", "--json")
    done = installation.manage(*key, **settings)
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["key"])


@pytest.fixture(scope="module")
def with_keys(after_first_start: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keys]:
    """An installation with two API keys and a signing key in a file, which tests copy."""
    with copy_of(after_first_start, tmp_path_factory.mktemp("keys")) as original:
        assert original.manage("rotatesigningkey").returncode == 0
        yield Keys(original, new_key(original), new_key(original))


@pytest.fixture
def keys(with_keys: Keys, tmp_path: Path) -> Iterator[Keys]:
    with copy_of(with_keys.installation, tmp_path) as copy:
        yield with_keys._replace(installation=copy)


def check(server: Server, key: str) -> Answer:
    headers = {"X-API-Key": key, "X-Original-Method": "GET", "X-Original-URI": "/services/stock"}
    return server.request("GET", "/gateway/check", headers=headers)


@pytest.mark.once
def test_restored_beside_a_new_data_folder_nothing_starts_and_it_says_what_is_missing(
    keys: Keys, elsewhere: dict[str, str]
) -> None:
    installation = keys.installation
    folder = elsewhere["KEYHOUSE_DATA_DIR"]
    words = (
        f"pepper 1 in {folder}/peppers has changed",
        f"seed key 1 in {folder}/seed_keys has changed",
        f" is missing from {folder}/signing_key_*",
        "API keys: 2",
        "manage.py acceptsecrets --dry-run",
    )
    serve = ("serve", "--bind", f"127.0.0.1:{free_port()}")
    for command in (("setup",), serve, ("listapikeys",), ("createorganization", "--name", "Stock")):
        assert_one_line(installation.manage(*command, **elsewhere), *words)
    assert installation.manage("auditverify", **elsewhere).returncode == 0
    assert "Nothing to do" in installation.manage("setup").stdout
    with installation.serve() as server:
        assert check(server, keys.key).status == 200


@pytest.mark.once
def test_an_operator_who_lost_the_secrets_is_told_what_stops_working_and_continues(
    keys: Keys, elsewhere: dict[str, str]
) -> None:
    installation = keys.installation

    def accept(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return installation.manage("acceptsecrets", *arguments, **elsewhere)

    told = accept("--dry-run")
    assert (
        told.returncode == 0 and "API keys       2" in told.stdout and "Nothing was accepted" in told.stdout
    )
    assert_one_line(accept(), "cannot ask without a terminal; use --yes")
    assert installation.manage("setup", **elsewhere).returncode == 1
    done: dict[str, Any] = json.loads(accept("--yes", "--json").stdout)
    assert (done["lost"], done["accepted"], len(done["differences"])) == ({"API keys": 2}, True, 3)
    assert "Nothing to accept" in accept("--yes").stdout
    assert "Nothing to do" in installation.manage("setup", **elsewhere).stdout
    with installation.serve(**elsewhere) as server:
        assert check(server, keys.key).status == 401
        assert check(server, new_key(installation, **elsewhere)).status == 200
    assert_one_line(installation.manage("setup"), "pepper 1 in ", "has changed")


@pytest.mark.once
def test_a_database_that_knows_no_secrets_learns_them_at_setup(keys: Keys, elsewhere: dict[str, str]) -> None:
    installation = keys.installation
    installation.query("DELETE FROM accounts_knownsecret")
    done = installation.manage("setup")
    assert (done.returncode, "Nothing to do" in done.stdout) == (0, True), done.stderr
    assert_one_line(installation.manage("setup", **elsewhere), "pepper 1 in ", "API keys: 2")
    with installation.serve() as server:
        assert check(server, keys.key).status == 200


@pytest.mark.once
def test_a_pepper_is_rotated_in_on_two_servers_and_the_old_one_out(keys: Keys) -> None:
    installation, key, unused = keys
    old = (installation.folder / "var" / "peppers").read_text().strip()
    both, new = {"KEYHOUSE_PEPPERS": f"{old},2:{PEPPER}"}, {"KEYHOUSE_PEPPERS": f"2:{PEPPER}"}
    with installation.serve(**both) as first, installation.serve(**both) as second:
        assert [check(server, key).status for server in (first, second)] == [200, 200]
        said = installation.manage("serve", "--bind", f"127.0.0.1:{free_port()}", **new)
        assert_one_line(said, "pepper 1 is missing from KEYHOUSE_PEPPERS", "API keys: 1")
        assert check(second, unused).status == 200
    with installation.serve(**new) as server:
        assert [check(server, each).status for each in (key, unused)] == [200, 200]
    assert_one_line(installation.manage("setup"), "pepper 2 is missing from ", "API keys: 2")


def test_a_pepper_is_rotated_in_while_one_of_two_servers_always_serves(keys: Keys) -> None:
    installation, key, unused = keys
    old = (installation.folder / "var" / "peppers").read_text().strip()
    before = {"KEYHOUSE_PEPPERS": old}
    known = {"KEYHOUSE_PEPPERS": f"{old},2:{PEPPER}", "KEYHOUSE_CURRENT_PEPPER": "1"}
    current = known | {"KEYHOUSE_CURRENT_PEPPER": "2"}
    made = [key, unused]

    def work_at(*servers: Server) -> bool:
        return {check(server, each).status for server in servers for each in made} == {200}

    with installation.serve(**known) as second:
        with installation.serve(**before) as first:
            made.append(new_key(installation, **known))
            assert work_at(second, first)
        with installation.serve(**current) as third:
            made.append(new_key(installation, **current))
            assert work_at(third, second)
    listed = json.loads(installation.manage("peppers", "--json", **current).stdout)
    assert [(each["pepper"], each["state"], each["removable"]) for each in listed] == [
        (1, "known", True),
        (2, "current", False),
    ]
    with installation.serve(KEYHOUSE_PEPPERS=f"2:{PEPPER}") as last:
        assert work_at(last)


@pytest.mark.once
def test_signing_keys_rotate_in_files_and_the_newest_is_missed(keys: Keys) -> None:
    installation = keys.installation
    assert installation.manage("rotatesigningkey").returncode == 0
    older, newest = sorted((installation.folder / "var").glob("signing_key_RS256_*"))
    older.unlink()
    assert "Nothing to do" in installation.manage("setup").stdout
    pem = newest.read_text()
    newest.unlink()
    said = installation.manage("setup")
    assert_one_line(said, "RS256 key ", f"is missing from {installation.folder}/var/signing_key_*")
    assert "Nothing to do" in installation.manage("setup", KEYHOUSE_SIGNING_KEYS=pem).stdout


@pytest.mark.skipif(connection.vendor != "postgresql", reason="several machines need PostgreSQL")
def test_of_machines_that_start_at_once_with_secrets_of_their_own_one_gets_on(
    bare_installation: Installation, tmp_path: Path
) -> None:
    starts = [
        subprocess.Popen(
            [*bare_installation.manage_py, "setup", "--json"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=bare_installation.environment
            | ADMIN
            | {"KEYHOUSE_DATA_DIR": str(tmp_path / f"machine{number}")},
        )
        for number in range(3)
    ]
    answers = [(*process.communicate(timeout=300), process.returncode) for process in starts]
    assert sorted(code for *_, code in answers) == [0, 1, 1]
    refused = [error for _, error, code in answers if code]
    assert all("pepper 1 in " in error and error.count("\n") == 1 for error in refused)
