"""Quotas at real servers: several processes spend at once, and an older copy of the database is put back."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from django.db import connection

from tests.access.test_restored_database import copy_database, wait_for_database
from tests.apikeys.usage.test_usage_of_servers import ask
from tests.installation import Installation, Server, log_in_as_admin

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="servers share a PostgreSQL"),
    pytest.mark.slow,
]

Key = dict[str, Any]


def limited_key(server: Server, total: int) -> Key:
    body = {"name": "CI", "scopes": ["services:read"], "quota": {"total": total}}
    made = server.request("POST", "/api/v1/api-keys", headers=log_in_as_admin(server), body=body)
    assert made.status == 201, made.body
    key: Key = made.json()
    return key


def statuses(servers: list[Server], key: Key, times: int) -> Counter[int]:
    """Ask all servers in turn, by several clients at once."""
    with ThreadPoolExecutor(8) as pool:
        return Counter(pool.map(lambda number: ask(servers[number % len(servers)], key, "GET"), range(times)))


def used(installation: Installation) -> int:
    """What the database has counted of the only quota."""
    ((units,),) = installation.query("SELECT total_used FROM apikeys_quotaledger")
    return int(units)


@pytest.mark.parametrize("sharing", ["each process for itself", "in Valkey"])
def test_two_servers_let_as_much_through_as_the_budget_and_count_all_of_it(
    installation: Installation, sharing: str, request: pytest.FixtureRequest
) -> None:
    in_valkey = sharing == "in Valkey"
    settings = {"CACHE_URL": f"{request.getfixturevalue('valkey')}/0"} if in_valkey else {}
    with ExitStack() as stack:
        servers = [stack.enter_context(installation.serve("--workers", "2", **settings)) for _ in range(2)]
        key = limited_key(servers[0], 200)
        first = statuses(servers, key, 120)
        later = statuses(servers, key, 240)
    assert first == {200: 120}
    assert later.keys() == {200, 429}
    assert later[200] == 80 if in_valkey else later[200] <= 80
    assert used(installation) == 120 + later[200]


class Restored(NamedTuple):
    """A server whose database was replaced by an older copy, in which 10 of the 320 units were used."""

    server: Server
    key: Key


@contextmanager
def restored(installation: Installation, *, loses_events: bool = True) -> Iterator[Restored]:
    """Put the copy back while the server holds units that it took since then."""
    name = urlsplit(installation.database_url).path[1:]
    with installation.serve("--workers", "1") as server:
        key = limited_key(server, 320)
        assert statuses([server], key, 10) == {200: 10}
    assert used(installation) == 10
    copy_database(installation, name, f"{name}_backup")
    with installation.serve("--workers", "1") as server:
        if loses_events:
            log_in_as_admin(server)
        assert statuses([server], key, 20) == {200: 20}
        assert used(installation) > 30
        copy_database(installation, f"{name}_backup", name)
        wait_for_database(server)
        yield Restored(server, key)


@pytest.mark.requirement(107)
def test_after_a_restore_a_quota_has_left_what_the_database_says(installation: Installation) -> None:
    with restored(installation) as (server, key):
        answers = statuses([server], key, 330)
    assert answers == {200: 310, 429: 20}
    assert used(installation) == 320


@pytest.mark.requirement(107)
def test_units_taken_before_a_restore_are_not_given_back_after_it(installation: Installation) -> None:
    with restored(installation):
        pass  # at its end a server gives back what it has
    assert used(installation) == 10


@pytest.mark.requirement(107)
def test_a_restore_that_loses_no_event_counts_at_most_100_units_of_a_process_twice(
    installation: Installation,
) -> None:
    with restored(installation, loses_events=False) as (server, key):
        answers = statuses([server], key, 430)
    assert answers.keys() == {200, 429}
    assert 310 <= answers[200] <= 410
    assert used(installation) == 320
