"""CHECKLIST 63: after the 2xx of a revocation, no worker anywhere says yes."""

import threading
from contextlib import ExitStack

from tests.installation import Installation, Server, log_in_as_admin

ORIGINAL = {"X-Original-Method": "GET", "X-Original-URI": "/services/stock/items"}
SERVERS = 3
ROUNDS = 5
BEFORE = 6
AFTER = 20


class Prober(threading.Thread):
    """Asks a server about a key in a loop, and keeps (was asked after the revocation, status).

    `warm` is set once it has asked a few times; afterwards it asks `AFTER` times more and ends.
    """

    def __init__(self, server: Server, key: str, revoked: threading.Event) -> None:
        super().__init__(daemon=True)
        self.server, self.key, self.revoked = server, key, revoked
        self.warm = threading.Event()
        self.seen: list[tuple[bool, int]] = []

    def run(self) -> None:
        after = 0
        try:
            while after < AFTER:
                was_revoked = self.revoked.is_set()
                self.seen.append((was_revoked, self.ask()))
                after += was_revoked
                if len(self.seen) == BEFORE:
                    self.warm.set()
        finally:
            self.warm.set()

    def ask(self) -> int:
        headers = {"X-API-Key": self.key, **ORIGINAL}
        return self.server.request("GET", "/gateway/check", headers=headers).status


def test_row_63_a_revoked_key_is_refused_by_every_server_from_the_2xx_on(installation: Installation) -> None:
    with ExitStack() as stack:
        servers = [stack.enter_context(installation.serve()) for _ in range(SERVERS)]
        token = log_in_as_admin(servers[0])
        for round_number in range(ROUNDS):
            seen = revoke_under_load(servers, servers[round_number % SERVERS], token)
            before = [status for was_revoked, status in seen if not was_revoked]
            after = [status for was_revoked, status in seen if was_revoked]
            assert before.count(200) >= SERVERS * BEFORE
            assert after == [401] * (SERVERS * AFTER)


def revoke_under_load(servers: list[Server], at: Server, token: dict[str, str]) -> list[tuple[bool, int]]:
    """Use a new key at every server in a loop while it is revoked at one; return all that was seen."""
    made = at.request(
        "POST", "/api/v1/api-keys", headers=token, body={"name": "k", "scopes": ["services:read"]}
    )
    key, revoked = made.json(), threading.Event()
    probers = [Prober(server, key["key"], revoked) for server in servers]
    for prober in probers:
        prober.start()
    for prober in probers:
        assert prober.warm.wait(timeout=60)
    answer = at.request("DELETE", f"/api/v1/api-keys/{key['id']}", headers=token)
    revoked.set()
    assert answer.status == 204
    for prober in probers:
        prober.join()
    return [seen for prober in probers for seen in prober.seen]
