"""After SIGTERM every request is answered, deferred answers included, and no connection loses one."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPResponse

import pytest

from config.server import worker
from tests.config.server.serving import connect, serving
from tests.config.server.test_slow_clients import EXPECTED, application
from tests.installation import Answer, Installation, Server, log_in_as_admin

pytestmark = pytest.mark.once

LEASE_SECONDS = 1.0


def revoke(server: Server, caller: dict[str, str], key: str) -> tuple[Answer, float]:
    """Return the answer, and how many seconds it took."""
    began = time.monotonic()
    answer = server.request("DELETE", f"/api/v1/api-keys/{key}", headers=caller)
    return answer, time.monotonic() - began


def test_a_deferred_answer_leaves_no_earlier_after_sigterm(installation: Installation) -> None:
    lease = {"KEYHOUSE_LEASE_MS": str(int(1000 * LEASE_SECONDS))}
    with installation.serve("--workers", "1", **lease) as server, ThreadPoolExecutor() as pool:
        caller = log_in_as_admin(server)
        body = {"name": "CI", "scopes": ["services:read"]}
        key = server.request("POST", "/api/v1/api-keys", headers=caller, body=body).json()["id"]
        revoking = pool.submit(revoke, server, caller, key)
        while not installation.query("SELECT 1 FROM apikeys_apikey WHERE revoked_at IS NOT NULL"):
            assert not revoking.done()
        server.process.terminate()
        answer, seconds = revoking.result()
        assert answer.status == 204
        assert seconds >= LEASE_SECONDS  # a lower bound, which the answer promises
        server.process.wait(30)


def test_an_open_connection_gets_answers_until_one_closes_it(
    installation: Installation,
) -> None:
    with installation.serve("--workers", "2") as server, ThreadPoolExecutor(8) as pool:
        warm = threading.Barrier(9, timeout=30)
        found = [pool.submit(ask_until_closed, server.port, warm) for _ in range(8)]
        warm.wait()
        server.process.terminate()
        assert [each.result() for each in found] == [200] * 8
        server.process.wait(30)


def test_a_stop_does_not_wait_forever_for_a_body(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "DRAIN_SECONDS", 0.5)
    with serving(application) as server, connect(server.port) as client:
        client.sendall(EXPECTED)
        assert b" 100 Continue" in client.recv(65536)
        server.worker.loop.call_soon_threadsafe(server.worker.handle_exit_signal)
        server.thread.join()
        assert server.worker.nr_conns == 1


def ask_until_closed(port: int, warm: threading.Barrier) -> int:
    """Send requests on one connection until an answer closes it; return the status of that answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    assert ask(connection).status == 200
    warm.wait()
    while (answer := ask(connection)).getheader("Connection") != "close":
        assert answer.status == 200
    return answer.status


def ask(connection: HTTPConnection) -> HTTPResponse:
    connection.request("GET", "/health")
    answer = connection.getresponse()
    answer.read()
    return answer
