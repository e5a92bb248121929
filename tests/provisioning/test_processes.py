"""Two processes that apply at once, and one that is killed just before its commit."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.installation import MANAGE_PY, START_SECONDS, Installation
from tests.provisioning.conftest import Write

pytestmark = pytest.mark.skipif(
    not os.environ.get("KEYHOUSE_TEST_SERVER"), reason="a commit can be made to wait in PostgreSQL alone"
)
FILE = "organizations: {Acme: {keys: {CI: {scopes: [services:read]}}}}"
HELD = 23  # the advisory lock for which the commit of a key waits
WAITING = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


@pytest.fixture(autouse=True)
def held_back(installation: Installation, write: Write) -> None:
    """Let the commit of each key wait as long as somebody has the lock."""
    write(FILE)
    installation.query(
        f"CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN PERFORM pg_advisory_xact_lock({HELD}); RETURN NULL; END $$"
    )
    installation.query(
        "CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON apikeys_apikey "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait()"
    )


@contextmanager
def no_commit(installation: Installation) -> Iterator[None]:
    with psycopg.connect(installation.database_url) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [HELD])
        yield


@contextmanager
def applying(installation: Installation) -> Iterator["subprocess.Popen[str]"]:
    command = [*MANAGE_PY, "apply", "keyhouse.yaml", "--secrets-dir", "secrets"]
    environment = installation.environment
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(installation: Installation, number: int) -> list[int]:
    """Return the backends once so many wait for a lock. PostgreSQL tells nobody when one begins to."""
    end = time.monotonic() + START_SECONDS
    while len(found := installation.query(WAITING)) < number:
        assert time.monotonic() < end, "nobody waits"
        time.sleep(0.05)
    return [pid for (pid,) in found]


def status(installation: Installation, key: str) -> int:
    with installation.serve() as server:
        headers = {"Authorization": f"Bearer {key}"}
        return server.request("GET", "/api/v1/scopes", headers=headers).status


def test_of_two_processes_one_waits_and_finds_done_what_the_other_did(
    installation: Installation, folder: Path
) -> None:
    with ExitStack() as stack:
        with no_commit(installation):
            both = [stack.enter_context(applying(installation)) for _ in range(2)]
            wait_for(installation, 2)
        said = sorted(each.communicate(timeout=START_SECONDS)[0].splitlines()[-1] for each in both)
    assert said == ["2 made", "No changes."]
    assert installation.query("SELECT count(*) FROM apikeys_apikey") == [(1,)]
    assert status(installation, (folder / "secrets/Acme/CI.key").read_text()) == 200


def test_a_process_that_is_killed_before_its_commit_leaves_nothing_that_works(
    installation: Installation, folder: Path
) -> None:
    file = folder / "secrets/Acme/CI.key"
    with no_commit(installation), applying(installation) as process:
        (backend,) = wait_for(installation, 1)
        left = file.read_text()
        process.kill()
        process.wait()
        installation.query(f"SELECT pg_terminate_backend({backend}, 60000)")
    assert installation.query("SELECT count(*) FROM apikeys_apikey") == [(0,)]
    done = installation.manage(
        "apply", str(folder / "keyhouse.yaml"), "--secrets-dir", str(folder / "secrets")
    )
    assert done.returncode == 0 and "2 made" in done.stdout, done.stderr
    assert file.read_text() != left
    assert installation.query("SELECT count(*) FROM apikeys_apikey") == [(1,)]
    assert status(installation, file.read_text()) == 200
