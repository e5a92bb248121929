"""CHECKLIST 9 and 10 at real servers, each with several processes, that share a database or a Valkey."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.installation import ADMIN, HASHES_WHOLE, Answer, Installation, Server, log_in_as_admin

pytestmark = [pytest.mark.requirement(9), pytest.mark.slow]

TRIES = 32  # two of each client at once
LIMIT = 3  # each try that is looked at takes a whole hash


def try_at(server: Server, name: str, number: int) -> Answer:
    """A wrong password, with a forged address that changes each time."""
    forged = {"X-Forwarded-For": f"203.0.113.{number}", "Forwarded": f"for=203.0.113.{number}"}
    body = {"username": name, "password": "wrong"}
    return server.request("POST", "/api/v1/auth/login", body=body, headers=forged)


def try_at_once(servers: list[Server], name: str) -> list[int]:
    with ThreadPoolExecutor(16) as pool:
        answers = pool.map(lambda n: try_at(servers[n % len(servers)], name, n), range(TRIES))
        return sorted(answer.status for answer in answers)


@pytest.mark.parametrize("store", ["database", pytest.param("valkey", marks=pytest.mark.once)])
def test_of_many_tries_at_two_servers_of_two_processes_exactly_as_many_as_allowed_are_looked_at(
    installation: Installation, store: str, request: pytest.FixtureRequest
) -> None:
    settings = {"KEYHOUSE_LIMITS": f"login.here={LIMIT}, login.address=1000"} | HASHES_WHOLE
    if store == "valkey":
        settings["CACHE_URL"] = f"{request.getfixturevalue('valkey')}/0"
    with ExitStack() as stack:
        servers = [stack.enter_context(installation.serve("--workers", "2", **settings)) for _ in range(2)]
        session = log_in_as_admin(servers[0])
        for name in (ADMIN["KEYHOUSE_ADMIN_USERNAME"], "nobody"):
            assert try_at_once(servers, name) == [401] * LIMIT + [429] * (TRIES - LIMIT)
        refused = try_at(servers[1], ADMIN["KEYHOUSE_ADMIN_USERNAME"], 1)
        assert refused.json()["code"] == "too_many_attempts"
        assert 0 < int(refused.headers["retry-after"]) <= 900
        for server in servers:  # row 10
            assert server.request("GET", "/api/v1/auth/me", headers=session).status == 200
    assert not [server for server in servers if "Traceback" in server.output]


def test_the_address_is_limited_for_all_accounts_together(installation: Installation) -> None:
    often = {"KEYHOUSE_LIMITS": f"login.address={LIMIT}"} | HASHES_WHOLE
    with (
        installation.serve("--workers", "2", **often) as server,
        ThreadPoolExecutor(16) as pool,
    ):
        answers = pool.map(lambda number: try_at(server, f"person{number}", number), range(TRIES))
        assert sorted(each.status for each in answers) == [401] * LIMIT + [429] * (TRIES - LIMIT)
