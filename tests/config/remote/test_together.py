"""Two commands of one person at once: they take turns, so that both get a token and the login goes on."""

import fcntl
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from config.remote import logins
from config.remote.logins import Login, TokenFile
from oauth.protocol.validator import DEVICE_GRANT
from tests.commands.helpers import refusal_of
from tests.config.remote.gate import Gate, behind_gate
from tests.installation import ADMIN, MANAGE_PY, START_SECONDS, Installation, Server
from tests.oauth.visitor import allow_device

CLIENT = ("--name", "Command line", "--public", "--device-grant", "--scope", "services:read")
STALE = "https://keys.example.org"


@pytest.fixture
def kept(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "token")


@pytest.fixture
def gate(installation: Installation, kept: TokenFile) -> Iterator[tuple[Gate, str]]:
    """A gate, behind which the administrator is logged in at the command line; the access token is old."""
    client = installation.manage_json("createoauthclient", *CLIENT)["client_id"]
    with behind_gate(installation) as (gate, url):
        assert gate.server is not None
        codes = form(gate.server, "device_authorization", client_id=client)
        identifier, password = ADMIN["KEYHOUSE_ADMIN_USERNAME"], ADMIN["KEYHOUSE_ADMIN_PASSWORD"]
        allow_device(url, codes["user_code"], identifier=identifier, password=password)
        sent = {"grant_type": DEVICE_GRANT, "device_code": codes["device_code"]}
        told = form(gate.server, "token", client_id=client, **sent)
        kept.save(Login(url, client, told["access_token"], told["refresh_token"], expires_at=0))
        yield gate, url


def form(server: Server, endpoint: str, **members: str) -> Any:
    """Send a form as a program does, past the gate."""
    body = "&".join(f"{name}={value}" for name, value in members.items()).encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = server.request("POST", f"/api/v1/auth/oauth2/{endpoint}", headers=kind, body=body)
    assert answer.status == 200, answer.body
    return answer.json()


def token_command(installation: Installation, url: str, kept: TokenFile) -> "subprocess.Popen[str]":
    command = [*MANAGE_PY, "token", url, "--token-file", str(kept.path)]
    return subprocess.Popen(
        command, env=installation.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def has_open(process: "subprocess.Popen[str]", path: Path) -> bool:
    """Whether a process has a file open."""
    try:
        return any(file.resolve() == path for file in Path(f"/proc/{process.pid}/fd").iterdir())
    except FileNotFoundError:  # it closed a file meanwhile
        return False


def wait_for_turn(process: "subprocess.Popen[str]", gate: Gate, kept: TokenFile) -> None:
    """Return when a process waits for its turn, or has sent a request for tokens without one."""
    lock = kept.path.with_name(f"{kept.path.name}.lock")
    for _ in range(START_SECONDS * 50):
        if has_open(process, lock) or gate.held.acquire(timeout=0.02):
            return
    raise AssertionError("the second command does nothing")


@pytest.mark.once
def test_two_commands_that_must_refresh_both_get_a_token_and_the_login_goes_on(
    installation: Installation, gate: tuple[Gate, str], kept: TokenFile
) -> None:
    door, url = gate
    door.is_open.clear()
    first = token_command(installation, url, kept)
    assert door.held.acquire(timeout=START_SECONDS)
    second = token_command(installation, url, kept)
    wait_for_turn(second, door, kept)
    door.is_open.set()
    outputs = [each.communicate(timeout=START_SECONDS) for each in (first, second)]
    assert [each.returncode for each in (first, second)] == [0, 0], outputs
    assert outputs[0] == outputs[1] and door.statuses == [200]
    login = kept.load(url)
    assert login is not None
    kept.save(msgspec.structs.replace(login, expires_at=0))
    assert installation.manage("token", url, "--token-file", str(kept.path)).returncode == 0


@pytest.mark.once
def test_a_command_says_what_it_waited_for_when_its_turn_does_not_come(
    kept: TokenFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logins, "LONGEST_WAIT", 0.1)
    kept.save(Login(STALE, "any", "oat_1", "ort_1", 0.0))
    lock = kept.path.with_name("token.lock")
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        refused = refusal_of("token", STALE, "--token-file", str(kept.path))
    assert refused.startswith("another command still uses the login") and str(lock) in refused
    assert kept.load(STALE) is not None


@pytest.mark.once
def test_a_link_to_a_token_file_stays_one_and_takes_turns_with_the_file(
    kept: TokenFile, tmp_path: Path
) -> None:
    link = tmp_path / "elsewhere" / "link"
    link.parent.mkdir()
    link.symlink_to(kept.path)
    by_link = TokenFile(link)
    by_link.save(Login(STALE, "any", "oat_1", "ort_1", 0.0))
    assert link.is_symlink() and kept.load(STALE) is not None
    with by_link.locked():
        assert os.listdir(link.parent) == ["link"]
