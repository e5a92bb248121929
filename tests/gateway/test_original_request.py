"""A proxy names the original request in one pair of headers, of one kind of proxy."""

from collections.abc import Iterator

import pytest

from tests.conftest import Api, Cast, assert_problem, make_key, with_key
from tests.installation import Installation, Server, log_in_as_admin

pytestmark = pytest.mark.once

NGINX = {"X-Original-Method": "GET", "X-Original-URI": "/services/stock/items?page=2"}
TRAEFIK = {"X-Forwarded-Method": "GET", "X-Forwarded-Uri": "/services/stock/items?page=2"}


@pytest.fixture
def program(cast: Cast) -> Api:
    return with_key(make_key(cast.alice, "services:read"))


@pytest.mark.parametrize("headers", [NGINX, TRAEFIK])
def test_nginx_and_traefik_and_caddy_are_understood(program: Api, headers: dict[str, str]) -> None:
    assert program.get("/gateway/check", headers=headers).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST", "PURGE"])
def test_envoy_repeats_the_method_and_appends_the_path(program: Api, method: str) -> None:
    answer = program.client.generic(
        method, "/gateway/check/services/x", RAW_URI="/gateway/check/services/x?y"
    )
    assert answer.status_code == {"GET": 200}.get(method, 403)


APPENDED = [
    "/gateway/check",
    "/gateway/checkservices/stock",
    "//gateway/check/services/stock",
    "",
    "/gateway/check/services/../x",
    "/gateway/check/services%2Fstock",
    "/gateway/check//services/stock",
    "http://127.0.0.1/gateway/check/services/stock",
    "/gateway/check/services/%2e%2e/stock",
    "/services/stock",
]


@pytest.mark.parametrize("target", APPENDED)
def test_an_appended_path_is_read_as_it_was_sent(program: Api, target: str) -> None:
    answer = program.client.get("/gateway/check/services/stock", RAW_URI=target)
    assert_problem(answer, 403, "not_allowed")


def test_an_appended_path_that_the_server_does_not_pass_on_as_it_was_sent_is_403(program: Api) -> None:
    assert_problem(program.client.get("/gateway/check/services/stock"), 403, "not_allowed")


@pytest.mark.parametrize("headers", [NGINX, TRAEFIK, {"X-Original-URI": "/services/x"}])
def test_an_appended_path_and_a_header_at_once_are_403(program: Api, headers: dict[str, str]) -> None:
    answer = program.client.get(
        "/gateway/check/services/x", RAW_URI="/gateway/check/services/x", headers=headers
    )
    assert_problem(answer, 403, "not_allowed")


@pytest.fixture(scope="module")
def server(module_installation: Installation) -> Iterator[Server]:
    with module_installation.serve("--workers", "1") as running:
        yield running


def test_a_real_server_reads_the_appended_path_before_it_is_decoded(server: Server) -> None:
    token = log_in_as_admin(server)
    for path, status in (
        ("/services/stock?x=1", 200),
        ("/services/stock%20and%20more", 200),
        ("/services%2Fstock", 403),
        ("/services/a/%2E%2E/b", 403),
        ("/nothing", 403),
    ):
        for method in ("GET", "POST"):
            answer = server.request(method, f"/gateway/check{path}", headers=token)
            assert answer.status == status, path


def test_other_forwarded_headers_make_no_difference(program: Api) -> None:
    others = {"X-Forwarded-Host": "shop.example.org", "X-Forwarded-Proto": "https", "X-Forwarded-Port": "443"}
    for headers in (NGINX, TRAEFIK):
        assert program.get("/gateway/check", headers=headers | others).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        NGINX | TRAEFIK,
        NGINX | {"X-Forwarded-Uri": "/services/x/health"},
        NGINX | {"X-Forwarded-Method": "GET"},
        NGINX | {"X-Forwarded-Uri": ""},
        TRAEFIK | {"X-Original-URI": "/services/x/health"},
        TRAEFIK | {"X-Original-Method": "GET"},
        {"X-Original-Method": "GET"},
        {"X-Original-URI": "/services/x/health"},
        {"X-Forwarded-Method": "GET"},
        {"X-Forwarded-Uri": "/services/x/health"},
        {"X-Original-Method": "GET", "X-Forwarded-Uri": "/services/x/health"},
        {"X-Forwarded-Method": "GET", "X-Original-URI": "/services/x/health"},
        {"X-Original-Method": "", "X-Original-URI": ""},
    ],
    ids=lambda headers: "+".join(headers) or "nothing",
)
def test_no_pair_half_a_pair_and_pairs_of_two_proxies_at_once_are_403(
    program: Api, headers: dict[str, str]
) -> None:
    assert_problem(program.get("/gateway/check", headers=headers), 403, "not_allowed")


def test_a_proxy_that_names_no_request_is_told_the_ways_to_name_one(program: Api) -> None:
    problem = assert_problem(program.get("/gateway/check"), 403, "not_allowed")
    assert problem["detail"] == (
        "Name the original request in one way: X-Original-Method and X-Original-URI, "
        "X-Forwarded-Method and X-Forwarded-Uri, or the path after /gateway/check."
    )


@pytest.mark.parametrize("name", ["Uri", "URI", "URL", "Rewrite-Url", "Rewrite-URL"])
def test_other_spellings_that_a_client_could_send_are_not_listened_to(program: Api, name: str) -> None:
    hostile = {f"X-{name}": "/services/x/health", "X-Rewrite-URL": "/services/x/health"}
    assert_problem(program.get("/gateway/check", headers=hostile), 403)
    original = {"X-Original-Method": "POST", "X-Original-URI": "/services/x"}
    assert_problem(program.get("/gateway/check", headers=hostile | original), 403, "insufficient_scope")


AMBIGUOUS = [
    "/services/../admin",
    "/services//x",
    "/services/%2e%2e/x",
    "/services/x;y",
    "http://h/services/x",
    "/services/%2f",
    "/services/%5cx",
    "/services/a%00",
    "/services/é",
    "/" + "a" * 9_000,
    "/services/#",
]


@pytest.mark.parametrize("uri", AMBIGUOUS)
def test_a_path_with_two_readings_is_403(program: Api, uri: str) -> None:
    headers = {"X-Original-Method": "GET", "X-Original-URI": uri}
    problem = assert_problem(program.get("/gateway/check", headers=headers), 403, "not_allowed")
    assert problem["detail"].startswith("Refused: the path ")


@pytest.mark.parametrize("method", ["get", "TRACE", "CONNECT", "GET POST", "GET,GET", "PURGE", "\x00", "*"])
def test_a_method_in_no_row_is_403(program: Api, method: str) -> None:
    headers = {"X-Original-Method": method, "X-Original-URI": "/services/stock"}
    assert_problem(program.get("/gateway/check", headers=headers), 403, "not_allowed")


def test_a_real_server_is_not_fooled_by_headers_with_underscores_or_sent_twice(server: Server) -> None:
    token = log_in_as_admin(server)
    check = "/gateway/check"
    original = {"X-Original-Method": "GET", "X-Original-URI": "/services/stock"}
    assert server.request("GET", check, headers=token | original).status == 200
    hidden = {"X_Original_URI": "/services/x/health", "X_Original_Method": "GET"}
    assert server.request("GET", check, headers=hidden).status == 403
    assert server.request("GET", check, headers=hidden | original).status == 401
    for twice in ("GET,GET", "GET, POST"):
        assert (
            server.request("GET", check, headers=token | original | {"X-Original-Method": twice}).status
            == 403
        )
