"""After a restore, running servers do not trust what they cached from the lost history."""

import time
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connection

from tests.apikeys.usage.test_usage_of_servers import ask
from tests.installation import START_SECONDS, Installation, Server, host_of

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no copy of a database in use"),
    pytest.mark.slow,
]


def copy_database(installation: Installation, original: str, copy: str) -> None:
    """Make the database `copy` from `original`, after ending all connections to both."""
    host = host_of(installation.database_url)
    with psycopg.connect(host=host, user="postgres", dbname="postgres", autocommit=True) as there:
        there.execute(f'DROP DATABASE IF EXISTS "{copy}" WITH (FORCE)')
        there.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{original}"')


def wait_for_database(server: Server) -> None:
    end = time.monotonic() + START_SECONDS
    while server.request("GET", "/ready").status != 200:
        assert time.monotonic() < end, "the server does not find the database again"


def test_a_key_revoked_after_the_restore_is_refused_by_a_server_that_knew_it_before(
    installation: Installation,
) -> None:
    installation.manage_json("createorganization", "--name", "Stock")
    key = installation.manage_json(
        "createapikey", "--name", "CI", "--organization", "Stock", "--scope", "services:read"
    )
    name = urlsplit(installation.database_url).path[1:]
    copy_database(installation, name, f"{name}_backup")
    with installation.serve("--workers", "1") as server:
        lost = installation.manage_json("createapikey", "--name", "lost", "--organization", "Stock")
        assert installation.manage("revokeapikey", lost["id"]).returncode == 0
        assert ask(server, key, "GET") == 200
        copy_database(installation, f"{name}_backup", name)
        assert installation.manage("revokeapikey", key["id"]).returncode == 0
        wait_for_database(server)
        assert ask(server, key, "GET") == 401


@pytest.mark.requirement(107)
def test_a_key_that_the_standby_never_got_is_refused_once_it_has_taken_over(
    installation: Installation,
) -> None:
    """The server's last look saw nothing of the lost history, in which no epoch began."""
    lease = {"KEYHOUSE_LEASE_MS": "5000"}
    installation.manage_json("createorganization", "--name", "Stock")
    arguments = ("createapikey", "--organization", "Stock", "--scope", "services:read", "--name")
    old, key = (installation.manage_json(*arguments, name) for name in ("old", "key"))
    assert installation.manage("revokeapikey", old["id"]).returncode == 0
    name = urlsplit(installation.database_url).path[1:]
    copy_database(installation, name, f"{name}_standby")
    with installation.serve("--workers", "1", **lease) as server:
        assert ask(server, key, "GET") == 200  # a look
        lost = installation.manage_json(*arguments, "lost")
        assert ask(server, lost, "GET") == 200
        copy_database(installation, f"{name}_standby", name)
        # The answer comes one lease later. Nothing changes, so no epoch begins.
        assert installation.manage("revokeapikey", old["id"], **lease).returncode == 0
        wait_for_database(server)
        assert ask(server, lost, "GET") == 401
        assert ask(server, key, "GET") == 200
