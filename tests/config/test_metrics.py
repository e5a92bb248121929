"""/metrics: the counts of all processes of a server, for the allowed networks."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from config import metrics
from tests.conftest import assert_problem
from tests.installation import ADMIN, Installation, Server, log_in_as_admin

pytestmark = [pytest.mark.once, pytest.mark.slow]

HERE = {"KEYHOUSE_METRICS_NETWORKS": "127.0.0.1"}


def told(server: Server) -> dict[str, float]:
    """The numbers, by name and labels."""
    answer = server.request("GET", "/metrics")
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"].startswith("text/plain")
    lines = re.findall(r"^(keyhouse\S+) ([0-9.]+)$", answer.body.decode(), re.MULTILINE)
    return {name: float(number) for name, number in lines}


def test_all_processes_of_a_server_are_added_up(installation: Installation) -> None:
    wrong = {"username": ADMIN["KEYHOUSE_ADMIN_USERNAME"], "password": "wrong"}

    def check(method: str) -> int:
        headers = {
            "X-API-Key": made["key"],
            "X-Original-Method": method,
            "X-Original-URI": "/services/x/health",
        }
        return server.request("GET", "/gateway/check", headers=headers).status

    with installation.serve("--workers", "3", **HERE) as server, ThreadPoolExecutor(6) as pool:
        token = log_in_as_admin(server)
        plan = {"name": "Secret plan"}
        made = server.request("POST", "/api/v1/api-keys", headers=token, body=plan).json()
        assert set(pool.map(check, ["GET", "POST"] * 30)) == {200, 403}
        assert server.request("POST", "/api/v1/auth/login", body=wrong).status == 401
        assert server.request("GET", "/api/v1/auth/me", headers=token).status == 200
        assert server.request("DELETE", f"/api/v1/api-keys/{made['id']}", headers=token).status == 204
        assert check("POST") == 401
        found, text = told(server), server.request("GET", "/metrics").body.decode()
    assert found['keyhouse_gateway_checks_total{status="200"}'] == 30
    assert found['keyhouse_gateway_checks_total{status="403"}'] == 30
    assert found['keyhouse_gateway_checks_total{status="401"}'] == 1
    assert found['keyhouse_refused_keys_total{reason="revoked"}'] == 1
    assert found['keyhouse_events_total{event="login:succeeded"}'] == 1
    assert found['keyhouse_events_total{event="login:failed"}'] == 1
    assert found['keyhouse_requests_total{credential="jwt",status="200"}'] == 1
    assert found['keyhouse_requests_total{credential="none",status="401"}'] == 1
    assert found["keyhouse_epoch_looks_total"] >= 1
    assert found["keyhouse_mails_waiting"] == 0
    for named in (made["id"], made["key_prefix"], "Secret plan", "admin"):
        assert named not in text


def test_a_server_that_starts_again_counts_from_nothing_and_not_before_it_has_its_port(
    installation: Installation,
) -> None:
    with installation.serve("--workers", "1", **HERE) as server:
        for _ in range(2):  # the second is answered again
            server.request("GET", "/gateway/check")
        assert installation.manage("serve", "--bind", f"127.0.0.1:{server.port}", **HERE).returncode != 0
        assert told(server)['keyhouse_gateway_checks_total{status="403"}'] == 2
    with installation.serve("--workers", "1", **HERE) as server:
        server.request("GET", "/gateway/check")
        assert told(server)['keyhouse_gateway_checks_total{status="403"}'] == 1


def test_a_worker_that_is_just_starting_to_count_does_not_break_the_page(installation: Installation) -> None:
    with installation.serve("--workers", "1", **HERE) as server:
        (installation.folder / "var" / "metrics" / str(server.port) / "counter_1.db").touch()
        assert told(server)["keyhouse_mails_waiting"] == 0


def test_without_networks_nobody_is_told_and_nothing_is_counted(installation: Installation) -> None:
    with installation.serve() as server:
        assert server.request("GET", "/metrics").status == 404
    assert not (installation.folder / "var" / "metrics").exists()


@pytest.mark.parametrize(
    ("peer", "forwarded"),
    [("192.0.2.1", ""), ("192.0.2.1", "127.0.0.1"), ("10.0.0.1", "192.0.2.1"), ("", "")],
)
def test_a_client_from_another_network_gets_404(
    db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch, peer: str, forwarded: str
) -> None:
    monkeypatch.setenv(metrics.FOLDER, "/nowhere")
    settings.METRICS_NETWORKS, settings.TRUSTED_PROXIES = ("127.0.0.1", "10.0.0.1"), ("10.0.0.1",)
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    assert_problem(Client(headers=headers).get("/metrics", REMOTE_ADDR=peer), 404)
