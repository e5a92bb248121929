"""CHECKLIST 97: PostgreSQL goes away and comes back under a running server."""

import os
import time
from pathlib import Path

import pytest
from django.conf import settings

from tests.config.database.conftest import restore
from tests.installation import ADMIN, Answer, Installation, Server, log_in_as_admin
from tests.postgres import Postgres

pytestmark = [
    pytest.mark.skipif(os.environ.get("KEYHOUSE_TEST_VENDOR") != "postgresql", reason="about PostgreSQL"),
    pytest.mark.slow,
]
ORIGINAL = {"X-Original-Method": "GET", "X-Original-URI": "/services/stock/items"}
LOGIN = {"username": "admin", "password": ADMIN["KEYHOUSE_ADMIN_PASSWORD"]}
BROWSER = {"Cookie": f"{settings.SESSION_COOKIE_NAME}=abcdefgh"}
ROUNDS = 12


def assert_unavailable(answer: Answer) -> None:
    assert answer.status == 503, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "2"
    assert answer.json()["code"] == "unavailable"


def check(server: Server, credential: dict[str, str]) -> Answer:
    return server.request("GET", "/gateway/check", headers={**credential, **ORIGINAL})


@pytest.mark.requirement(97)
def test_without_its_database_keyhouse_answers_503_and_recovers_by_itself(
    database: Postgres, after_first_start: Installation, tmp_path: Path
) -> None:
    installation = restore(after_first_start, database.url, tmp_path)
    # The cache may be trusted for one lease, which ends before the database has stopped.
    with installation.serve(KEYHOUSE_LEASE_MS="1") as server:
        token = log_in_as_admin(server)
        key = make_key(server, token)
        database.stop()
        for _ in range(ROUNDS):
            assert_everything_is_refused(server, token, key)
        database.start()
        while (answer := check(server, key)).status != 200:
            assert_unavailable(answer)
            time.sleep(0.02)  # nothing tells when a server has noticed
        assert_it_recovers(server, token, key)
    assert "database unavailable" in server.output
    assert "Traceback" not in server.output


def make_key(server: Server, token: dict[str, str]) -> dict[str, str]:
    """A key that was used, and so is cached."""
    body = {"name": "k", "scopes": ["services:read"]}
    made = server.request("POST", "/api/v1/api-keys", headers=token, body=body)
    key = {"X-API-Key": made.json()["key"]}
    assert {check(server, key).status for _ in range(ROUNDS)} == {200}
    return key


def assert_everything_is_refused(server: Server, token: dict[str, str], key: dict[str, str]) -> None:
    assert server.request("GET", "/health").status == 200
    assert server.request("GET", "/schema").status == 200
    assert_unavailable(server.request("GET", "/ready"))
    for credential in (token, key):
        assert_unavailable(check(server, credential))
        assert_unavailable(server.request("GET", "/api/v1/auth/me", headers=credential))
    assert_unavailable(server.request("POST", "/api/v1/auth/login", body=LOGIN))
    assert_unavailable(server.request("POST", "/gateway/introspect", headers=token, body={"token": "x"}))
    assert_unavailable(server.request("GET", "/admin/", headers=BROWSER))
    assert check(server, {"X-API-Key": "kh_live_malformed"}).status == 401
    assert check(server, {}).status == 401


def assert_it_recovers(server: Server, token: dict[str, str], key: dict[str, str]) -> None:
    """All threads recover at once: CHECKLIST 108."""
    for _ in range(ROUNDS):
        for path, credential in (("/ready", {}), ("/gateway/check", key), ("/api/v1/auth/me", token)):
            answer = server.request("GET", path, headers={**credential, **ORIGINAL})
            assert answer.status == 200, answer.body
    assert check(server, {"X-API-Key": "kh_live_malformed"}).status == 401
