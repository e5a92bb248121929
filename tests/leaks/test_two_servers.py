"""A leak that one server is told of ends the key at another."""

import time

import pytest

from tests.installation import START_SECONDS, Installation, Server

pytestmark = pytest.mark.requirement(131)


def test_a_key_that_is_reported_to_one_server_ends_at_another(installation: Installation) -> None:
    key, other = (
        installation.manage_json("createapikey", "--name", name, "--user", "admin")["key"] for name in "ab"
    )
    # Of several workers each would learn of it by itself, within a lease of the others.
    with installation.serve() as told, installation.serve("--workers", "1") as used:
        assert [status(used, key), status(used, other)] == [200, 200]
        assert told.request("POST", "/leaks", body={"tokens": [key]}).status == 202
        end = time.monotonic() + START_SECONDS
        while status(used, key) == 200:
            assert time.monotonic() < end, "the key still works"
            time.sleep(0.1)  # a background thread looks reports up; nothing tells when
        assert [status(used, key), status(used, other)] == [401, 200]


def status(server: Server, key: str) -> int:
    return server.request("GET", "/api/v1/scopes", headers={"Authorization": f"Bearer {key}"}).status
