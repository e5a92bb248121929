"""Real servers write the last use of keys in the background, from each worker process."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from apikeys.models import EVERY_KEY
from tests.installation import Installation, Server, log_in_as_admin

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 30
OF_A_KEY = {"allowed": 40, "scope": 20}


@pytest.fixture(scope="module")
def server(module_installation: Installation) -> Iterator[Server]:
    with module_installation.serve() as running:
        yield running


@pytest.fixture(scope="module")
def admin(server: Server) -> dict[str, str]:
    """An administrator who has logged in, and so reads keys without using them."""
    return log_in_as_admin(server)


def new_key(server: Server, admin: dict[str, str], name: str) -> dict[str, Any]:
    """A key of a new organization."""
    owner = server.request("POST", "/api/v1/organizations", headers=admin, body={"name": name}).json()
    body = {"name": "CI", "organization": owner["id"], "scopes": ["services:read"]}
    answer = server.request("POST", "/api/v1/api-keys", headers=admin, body=body)
    assert answer.status == 201, answer.body
    made: dict[str, Any] = answer.json()
    return made


def ask(server: Server, key: dict[str, Any], method: str) -> int:
    headers = {"X-API-Key": key["key"], "X-Original-Method": method, "X-Original-URI": "/services/stock"}
    return server.request("GET", "/gateway/check", headers=headers).status


def use(server: Server, key: dict[str, Any]) -> None:
    assert ask(server, key, "GET") == 200


def as_administrators_see(
    server: Server, admin: dict[str, str], key: dict[str, Any]
) -> Callable[[str], dict[str, Any]]:
    """Read the key, or a path below it."""

    def read(below: str = "") -> dict[str, Any]:
        answer = server.request("GET", f"/api/v1/api-keys/{key['id']}{below}", headers=admin)
        assert answer.status == 200, answer.body
        row: dict[str, Any] = answer.json()
        return row

    return read


def wait_for_uses(read: Callable[[str], dict[str, Any]], count: int) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while read("")["use_count"] < count:
        assert time.monotonic() < end, "the uses were never written"
        time.sleep(0.1)  # the server does not announce when it has written


def test_a_running_server_writes_uses_in_the_background(server: Server, admin: dict[str, str]) -> None:
    key = new_key(server, admin, "Background")
    read = as_administrators_see(server, admin, key)
    for _ in range(7):
        use(server, key)
    wait_for_uses(read, 7)
    assert (read("")["use_count"], read("")["last_used_ip"]) == (7, "127.0.0.1")


def test_prune_twice_at_once_beside_a_server_that_counts(
    module_installation: Installation, server: Server, admin: dict[str, str]
) -> None:
    key = new_key(server, admin, "Pruned")
    with ThreadPoolExecutor(4) as pool:
        pruning = [pool.submit(module_installation.manage_json, "prune") for _ in range(2)]
        list(pool.map(lambda _: use(server, key), range(30)))
        assert [each.result()["dry_run"] for each in pruning] == [False, False]
    read = as_administrators_see(server, admin, key)
    wait_for_uses(read, 30)
    assert read("/usage")["total"] == {"allowed": 30, "refused": 0}


def test_every_worker_of_several_servers_counts_exactly_and_at_the_end_writes_what_is_waiting(
    installation: Installation,
) -> None:
    with ExitStack() as stack:
        servers = [stack.enter_context(installation.serve("--workers", workers)) for workers in ("3", "2")]
        admin = log_in_as_admin(servers[0])
        made = [new_key(servers[0], admin, f"Stock {number}") for number in range(3)]
        requests = [(key, method) for key in made for method in ("GET", "GET", "POST") for _ in range(20)]
        pool = stack.enter_context(ThreadPoolExecutor(6))
        asked = [(servers[n % 2], key, method) for n, (key, method) in enumerate(requests)]
        assert set(pool.map(lambda each: ask(*each), asked)) == {200, 403}
    assert_counted(installation, keys=3)


def assert_counted(installation: Installation, keys: int) -> None:
    """Assert that each key and its organization have these counts, and that all keys have their sum."""
    assert installation.query("SELECT use_count FROM apikeys_apikey") == [(40,)] * keys
    each = "SELECT key_id, outcome, count FROM apikeys_keyuse"
    assert sorted(summed(installation, each).values()) == sorted([*OF_A_KEY.values()] * keys)
    total = "SELECT organization_id, outcome, count FROM apikeys_hourtotal"
    owners = [number for (number,) in installation.query("SELECT organization_id FROM apikeys_apikey")]
    expected = {(owner, outcome): count for owner in owners for outcome, count in OF_A_KEY.items()}
    of_all = {(EVERY_KEY, outcome): keys * count for outcome, count in OF_A_KEY.items()}
    assert summed(installation, total) == expected | of_all


def summed(installation: Installation, statement: str) -> Counter[tuple[int, str]]:
    """Add up the counts of rows (number, outcome, count), since an hour may have ended meanwhile."""
    sums: Counter[tuple[int, str]] = Counter()
    for number, outcome, count in installation.query(statement):
        sums[number, outcome] += count
    return sums
