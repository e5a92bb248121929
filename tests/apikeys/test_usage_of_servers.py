"""Last use as real servers write it: in the background, from each of their worker processes."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.installation import Installation, Server, log_in_as_admin

ORIGINAL = {"X-Original-Method": "GET", "X-Original-URI": "/services/stock"}
PATIENCE_SECONDS = 30


def new_key(installation: Installation) -> dict[str, Any]:
    installation.manage_json("createorganization", "--name", "Stock")
    made: dict[str, Any] = installation.manage_json(
        "createapikey",
        "--name",
        "CI",
        "--organization",
        "Stock",
        "--scope",
        "services:read",
        "--scope",
        "keys:read",
    )
    return made


def use(server: Server, key: dict[str, Any]) -> None:
    answer = server.request("GET", "/gateway/check", headers={"X-API-Key": key["key"], **ORIGINAL})
    assert answer.status == 200, answer.body


def stored(server: Server, key: dict[str, Any]) -> dict[str, Any]:
    """The key as its administrator sees it, who logs in and so does not use it."""
    answer = server.request("GET", f"/api/v1/api-keys/{key['id']}", headers=log_in_as_admin(server))
    assert answer.status == 200, answer.body
    row: dict[str, Any] = answer.json()
    return row


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
