"""Last use as real servers write it: in the background, from each of their worker processes."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from tests.installation import Installation, Server, log_in_as_admin

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 30


def new_key(installation: Installation, name: str = "Stock") -> dict[str, Any]:
    installation.manage_json("createorganization", "--name", name)
    made: dict[str, Any] = installation.manage_json(
        "createapikey",
        "--name",
        "CI",
        "--organization",
        name,
        "--scope",
        "services:read",
        "--scope",
        "keys:read",
    )
    return made


def ask(server: Server, key: dict[str, Any], method: str) -> int:
    headers = {"X-API-Key": key["key"], "X-Original-Method": method, "X-Original-URI": "/services/stock"}
    return server.request("GET", "/gateway/check", headers=headers).status


def use(server: Server, key: dict[str, Any]) -> None:
    assert ask(server, key, "GET") == 200


def stored(server: Server, key: dict[str, Any], more: str = "") -> dict[str, Any]:
    """The key as its administrator sees it, who logs in and so does not use it."""
    answer = server.request("GET", f"/api/v1/api-keys/{key['id']}{more}", headers=log_in_as_admin(server))
    assert answer.status == 200, answer.body
    row: dict[str, Any] = answer.json()
    return row


def usage_of(server: Server, key: dict[str, Any]) -> dict[str, Any]:
    return stored(server, key, "/usage")


def test_a_running_server_writes_uses_in_the_background(installation: Installation) -> None:
    key = new_key(installation)
    with installation.serve() as server:
        for _ in range(7):
            use(server, key)
        end = time.monotonic() + PATIENCE_SECONDS
        while stored(server, key)["use_count"] < 7:
            assert time.monotonic() < end, "the uses were never written"
        row = stored(server, key)
    assert (row["use_count"], row["last_used_ip"]) == (7, "127.0.0.1")


def test_every_forked_worker_counts_and_what_is_waiting_at_the_end_is_written(
    installation: Installation,
) -> None:
    key = new_key(installation)
    with installation.serve("--workers", "3") as server, ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: use(server, key), range(60)))
    with installation.serve() as server:
        assert stored(server, key)["use_count"] == 60
        assert usage_of(server, key)["total"] == {"allowed": 60, "refused": 0}


def test_several_servers_count_allowed_and_refused_requests_of_the_same_keys_exactly(
    installation: Installation,
) -> None:
    made = [new_key(installation, name=f"Stock {number}") for number in range(3)]
    requests = [(key, method) for key in made for method in ("GET", "GET", "POST") for _ in range(20)]
    with ExitStack() as stack:
        servers = [stack.enter_context(installation.serve()) for _ in range(2)]
        pool = stack.enter_context(ThreadPoolExecutor(6))
        asked = [(servers[n % 2], key, method) for n, (key, method) in enumerate(requests)]
        assert set(pool.map(lambda each: ask(*each), asked)) == {200, 403}
    with installation.serve() as server:
        for key in made:
            assert usage_of(server, key)["total"] == {"allowed": 40, "refused": 20}
            assert stored(server, key)["use_count"] == 40


def test_prune_twice_at_once_beside_a_server_that_counts(installation: Installation) -> None:
    key = new_key(installation)
    with installation.serve() as server, ThreadPoolExecutor(4) as pool:
        pruning = [pool.submit(installation.manage_json, "prune") for _ in range(2)]
        list(pool.map(lambda _: use(server, key), range(30)))
        assert [each.result()["dry_run"] for each in pruning] == [False, False]
    with installation.serve() as server:
        assert usage_of(server, key)["total"] == {"allowed": 30, "refused": 0}
