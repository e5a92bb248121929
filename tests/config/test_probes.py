"""Probes of a real server: kubelets, load balancers and Prometheus call it by IP address."""

import socket
from collections.abc import Iterator

import pytest
from django.test import Client

from tests.conftest import Cast, as_user, assert_problem
from tests.installation import Installation, Server, copy_of

pytestmark = [pytest.mark.slow, pytest.mark.once]

PROBES = ("/health", "/ready", "/metrics")
HOSTS = ("10.1.2.3", "10.1.2.3:8000", "[fd00::7]:8000", "keyhouse.default.svc", "evil.example", "a b", "")
ELSEWHERE = ("/api/v1/auth/me", "/admin/login/", "/schema", "/healthy", "/health/", "/reset-password")
READ = (
    "/docs",
    "/schema",
    "/nothing",
    "/static/keyhouse/admin.css",
    "/api/v1/auth/me",
    "/gateway/check",
    "/admin/",
    "/admin/login/",
    "/reset-password",
    "/.well-known/openid-configuration",
)
DROPPED = "no-body response"  # gunicorn's warning


@pytest.fixture(scope="module")
def server(after_first_start: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with (
        copy_of(after_first_start, tmp_path_factory.mktemp("probes")) as installation,
        installation.serve(KEYHOUSE_METRICS_NETWORKS="127.0.0.1") as server,
    ):
        yield server


def first_line(server: Server, data: bytes) -> str:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile("rb").readline().decode().strip()


@pytest.mark.parametrize("host", HOSTS)
def test_a_probe_is_answered_whatever_host_it_names(server: Server, host: str) -> None:
    for path in PROBES:
        for method in ("GET", "HEAD"):
            said = first_line(server, f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert said == "HTTP/1.1 200 OK", (method, path)


def test_a_probe_in_http_1_0_without_a_host_is_answered(server: Server) -> None:
    for path in PROBES:
        assert " 200 " in first_line(server, f"GET {path} HTTP/1.0\r\n\r\n".encode())


@pytest.mark.parametrize("path", ELSEWHERE)
def test_no_other_address_answers_to_a_foreign_host(path: str, db: None) -> None:
    for host in HOSTS:
        for method in ("GET", "HEAD", "POST", "OPTIONS"):
            answer = Client(headers={"Host": host}).generic(method, path)
            assert answer.status_code == 400, (host, method)


@pytest.mark.parametrize("path", [*PROBES, *READ])
def test_head_has_the_headers_of_get_and_writes_nothing_into_the_log(server: Server, path: str) -> None:
    got, head = server.request("GET", path), server.request("HEAD", path)
    assert (head.status, head.body) == (got.status, b"")
    assert got.headers["content-length"] == str(len(got.body))
    if path not in ("/metrics", "/admin/login/"):  # their bodies differ each time
        assert head.headers["content-length"] == got.headers["content-length"]
    assert DROPPED not in server.output
    assert "WARNING" not in server.output


def test_answers_without_a_body_send_no_body(server: Server) -> None:
    for path in ("/health", "/api/v1/auth/me", "/static/keyhouse/admin.css"):
        answer = server.request("OPTIONS", path)
        assert (answer.status, answer.body) == (204, b"")
        assert "GET" in answer.headers["allow"]
    assert server.request("TRACE", "/nothing").headers["allow"] == ""
    assert DROPPED not in server.output


@pytest.mark.requirement(91)
def test_a_put_to_a_probe_is_405_and_not_about_csrf_tokens(server: Server) -> None:
    for path in PROBES:
        answer = server.request("PUT", path, headers={"Host": "10.1.2.3"})
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
        assert answer.json()["code"] == "method_not_allowed"


def test_a_probe_from_elsewhere_still_finds_no_metrics(db: None) -> None:
    assert_problem(Client(headers={"Host": "10.1.2.3"}).get("/metrics"), 404)


def test_head_is_answered_like_get_for_people_who_are_logged_in(cast: Cast) -> None:
    ada = as_user(cast.ada)
    for path in ("/api/v1/auth/me", "/api/v1/users", "/api/v1/audit", f"/api/v1/users/{cast.bob.uuid}"):
        got, head = ada.client.get(path), ada.client.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["Content-Length"] == got.headers["Content-Length"]
