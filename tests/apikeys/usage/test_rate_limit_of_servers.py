"""The rate limit of a key at servers with several processes: exact if they share a Valkey."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.installation import Answer, Installation, Server, log_in_as_admin

pytestmark = [pytest.mark.once, pytest.mark.slow]

ORIGINAL = {"X-Original-Method": "GET", "X-Original-URI": "/services/stock/items"}
REQUESTS, LIMIT, SERVERS, WORKERS = 80, 25, 2, 2


def asked_at_once(servers: list[Server]) -> list[Answer]:
    """Make a limited key at the first server, use it at all of them, and return the answers."""
    body = {"name": "k", "scopes": ["services:read"], "rate_limit": {"requests": LIMIT, "seconds": 3600}}
    token = log_in_as_admin(servers[0])
    made = servers[0].request("POST", "/api/v1/api-keys", headers=token, body=body).json()
    headers = {"X-API-Key": made["key"], **ORIGINAL}

    def ask(number: int) -> Answer:
        return servers[number % len(servers)].request("GET", "/gateway/check", headers=headers)

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(ask, range(REQUESTS)))


def left_by(answers: list[Answer]) -> list[int]:
    """Return how many requests the allowed answers say are left. All answers name the whole limit."""
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {f'"key";q={LIMIT};w=3600'}
    told = [re.fullmatch(r'"key";r=(\d+);t=\d+', answer.headers["ratelimit"]) for answer in answers]
    left = [(answer.status, int(each[1])) for answer, each in zip(answers, told, strict=True) if each]
    assert {number for status, number in left if status == 429} == {0}
    return sorted(number for status, number in left if status == 200)


def test_servers_that_share_a_valkey_let_exactly_the_limit_through(
    installation: Installation, valkey: str
) -> None:
    with ExitStack() as stack:
        settings = {"CACHE_URL": f"{valkey}/0"}
        servers = [
            stack.enter_context(installation.serve("--workers", str(WORKERS), **settings))
            for _ in range(SERVERS)
        ]
        answers = asked_at_once(servers)
        assert sorted(each.status for each in answers) == [200] * LIMIT + [429] * (REQUESTS - LIMIT)
        assert left_by(answers) == list(range(LIMIT))


def test_without_one_the_workers_of_a_server_let_no_more_through_than_the_limit(
    installation: Installation,
) -> None:
    with installation.serve("--workers", str(WORKERS)) as server:
        answers = asked_at_once([server])
        statuses = [answer.status for answer in answers]
        assert LIMIT // WORKERS <= statuses.count(200) <= LIMIT
        assert set(statuses) == {200, 429}
        assert set(left_by(answers)) == set(range(LIMIT // WORKERS))
