"""CHECKLIST 63: after the 2xx of a revocation, no worker of any server accepts the key."""

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.installation import Installation, Server, log_in_as_admin

pytestmark = pytest.mark.slow

ORIGINAL = {"X-Original-Method": "GET", "X-Original-URI": "/services/stock/items"}
SERVERS = 3
AT_ONCE = 12
# Of each client: a server that forgets late is late in each of them. The soak looks for rare races too.
ROUNDS = [2, pytest.param(20, marks=pytest.mark.soak)]
USES = 4  # of each key at each server before it is revoked, so that every worker remembers it


@pytest.mark.requirement(63)
@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_revoked_key_is_refused_by_every_server_from_the_2xx_on(
    installation: Installation, rounds: int
) -> None:
    with ExitStack() as stack:
        servers = [stack.enter_context(installation.serve("--workers", "2")) for _ in range(SERVERS)]
        token = log_in_as_admin(servers[0])

        def revoke_many(seed: int) -> int:
            chance = random.Random(seed)
            return sum(revoked_in_time(servers, token, chance) for _ in range(rounds))

        with ThreadPoolExecutor(AT_ONCE) as pool:
            assert sum(pool.map(revoke_many, range(AT_ONCE))) == AT_ONCE * rounds


def revoked_in_time(servers: list[Server], token: dict[str, str], chance: random.Random) -> bool:
    """Create a key, use it everywhere, revoke it at one server; return whether all servers then refuse it."""
    body = {"name": "k", "scopes": ["services:read"]}
    made = chance.choice(servers).request("POST", "/api/v1/api-keys", headers=token, body=body).json()
    before = [ask(server, made["key"]) for server in servers for _ in range(USES)]
    assert set(before) == {200}
    path = f"/api/v1/api-keys/{made['id']}"
    assert chance.choice(servers).request("DELETE", path, headers=token).status == 204
    after = [ask(server, made["key"]) for server in servers for _ in range(USES)]
    return set(after) == {401}


def ask(server: Server, key: str) -> int:
    return server.request("GET", "/gateway/check", headers={"X-API-Key": key, **ORIGINAL}).status
