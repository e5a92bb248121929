"""CHECKLIST 63: after the 2xx of a revocation, no worker anywhere says yes."""

import threading
from contextlib import ExitStack

from tests.installation import ADMIN, Installation, Server

ORIGINAL = {"X-Original-Method": "GET", "X-Original-URI": "/services/stock/items"}
SERVERS = 3
ROUNDS = 5


class Prober(threading.Thread):
    """Asks a server about a key in a loop, and keeps (was asked after the revocation, status)."""

    def __init__(self, server: Server, key: str, revoked: threading.Event) -> None:
        super().__init__(daemon=True)
        self.server, self.key, self.revoked = server, key, revoked
        self.seen: list[tuple[bool, int]] = []

    def run(self) -> None:
        after = 0
        while after < 20:
            was_revoked = self.revoked.is_set()
            answer = self.server.request("GET", "/gateway/check", headers={"X-API-Key": self.key, **ORIGINAL})
            self.seen.append((was_revoked, answer.status))
            after += was_revoked


def test_row_63_a_revoked_key_is_refused_by_every_server_from_the_2xx_on(installation: Installation) -> None:
    with ExitStack() as stack:
        servers = [stack.enter_context(installation.serve()) for _ in range(SERVERS)]
        token = log_in(servers[0])
        for round_number in range(ROUNDS):
            seen = revoke_under_load(servers, servers[round_number % SERVERS], token)
            before = [status for was_revoked, status in seen if not was_revoked]
            after = [status for was_revoked, status in seen if was_revoked]
            assert 200 in before
            assert set(after) == {401}


def log_in(server: Server) -> dict[str, str]:
    body = {"username": ADMIN["KEYHOUSE_ADMIN_USERNAME"], "password": ADMIN["KEYHOUSE_ADMIN_PASSWORD"]}
    answer = server.request("POST", "/api/v1/auth/login", body=body)
    assert answer.status == 200, answer.body
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def revoke_under_load(servers: list[Server], at: Server, token: dict[str, str]) -> list[tuple[bool, int]]:
    """Use a new key at every server in a loop while it is revoked at one; return all that was seen."""
    made = at.request(
        "POST", "/api/v1/api-keys", headers=token, body={"name": "k", "scopes": ["services:read"]}
    )
    key, revoked = made.json(), threading.Event()
    probers = [Prober(server, key["key"], revoked) for server in servers]
    for prober in probers:
        prober.start()
    while not all(len(prober.seen) > 5 for prober in probers):
        pass
    answer = at.request("DELETE", f"/api/v1/api-keys/{key['id']}", headers=token)
    revoked.set()
    assert answer.status == 204
    for prober in probers:
        prober.join()
    return [seen for prober in probers for seen in prober.seen]
