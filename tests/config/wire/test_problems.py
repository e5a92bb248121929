"""Every error is a problem document, from whichever layer it comes."""

from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError
from django.http import Http404
from django.test import Client, RequestFactory
from msgspec.structs import replace
from rest_framework.exceptions import APIException, Throttled, ValidationError

from config import profiles
from config.profiles import Profile
from config.wire import problems
from config.wire.errors import Conflict, InsufficientScope, Invalid, NotAllowed, NotFound
from tests.config.failing_urls import ERRORS
from tests.config.profile_texts import GOOD
from tests.conftest import Api, Cast, as_user, assert_problem, make_key, with_key
from tests.logins import browser as browser_of

pytestmark = pytest.mark.once

EVERYWHERE = (
    "/api/v1/auth/me",
    "/api/v1/auth/login",
    "/api/v1/api-keys",
    "/api/v1/audit",
    "/api/v1/scopes",
    "/health",
    "/ready",
    "/schema",
    "/docs",
    "/gateway/introspect",
    "/static/keyhouse/admin.css",
    "/nothing",
)
JSON = "application/json"


def test_head_is_answered_wherever_get_is(cast: Cast) -> None:
    ada = as_user(cast.ada)
    for path in ("/health", "/ready", "/schema", "/api/v1/auth/me", "/api/v1/api-keys", "/api/v1/scopes"):
        response = ada.client.head(path)
        assert (response.status_code, response.content) == (200, b"")


@pytest.mark.requirement(91)
def test_errors_of_the_router(cast: Cast) -> None:
    ada = as_user(cast.ada)
    for path in (
        "/nothing",
        "/api/v1",
        "/api/v1/",
        "/api/v1/nope",
        "/api/v1/auth/me/",
        "/gateway/",
        "/%00",
        "/ü",
    ):
        assert_problem(ada.get(path), 404, "not_found")
    assert_problem(ada.get("/static/nothing.css"), 404)
    assert_problem(ada.get("/static/../config/settings.py"), 404)


@pytest.mark.requirement(91)
def test_errors_of_the_parser(cast: Cast) -> None:
    ada = as_user(cast.ada)
    send = ada.client.post
    assert_problem(send("/api/v1/api-keys", b"{", JSON), 400, "parse_error")
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
        "x",
    ):
        assert_problem(send("/api/v1/api-keys", b"a=1", kind), 415, "unsupported_media_type")
    refused = assert_problem(send("/gateway/introspect", b"a=1", "text/plain"), 415, "unsupported_media_type")
    assert "application/x-www-form-urlencoded or application/json" in refused["detail"]


@pytest.mark.requirement(91)
def test_errors_before_any_view(cast: Cast) -> None:
    for host in ("evil.example", "a b", "[::1", "127.0.0.1:x", ""):
        answer = Client().get("/api/v1/auth/me", headers={"Host": host})
        assert "ALLOWED_HOSTS" in assert_problem(answer, 400, "invalid_request")["detail"]
    assert_problem(Client().get("/api/v1/auth/me?api_key=x"), 400, "invalid_request")


@pytest.mark.requirement(91)
def test_errors_of_the_admin_are_pages_for_browsers_only(cast: Cast) -> None:
    client = Client()
    client.cookies = browser_of(cast.ada).cookies
    assert_problem(client.get("/admin/nothing/"), 404, "not_found")
    page = client.get("/admin/nothing/", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert_problem(client.get("/adminnothing"), 404, "not_found")


def test_an_api_whose_path_begins_with_admin_is_not_the_admin(
    served_profile: Callable[[Profile], None], db: None
) -> None:
    text = GOOD.replace('base_path = "/v1"', 'base_path = "/admin-api"')
    served_profile(profiles.parse(text, source="admin-api.toml"))
    answer = Client().get("/admin-api/auth/me?api_key=x")
    assert_problem(answer, 400, "invalid_request")
    for path in ("/admin-api/nothing", "/reset-password-nothing"):
        assert_problem(Client().get(path, headers={"Accept": "text/html"}), 404, "not_found")
    assert not hasattr(Client().get("/admin-api/auth/me").wsgi_request, "session")
    assert hasattr(Client().get("/admin").wsgi_request, "session")


@pytest.mark.requirement(91)
def test_no_accept_header_hides_an_error(cast: Cast) -> None:
    for accept in ("text/html", "image/png", "application/xml;q=0.9", "nonsense", "*/*;q=0"):
        problem = assert_problem(Client().get("/api/v1/api-keys", headers={"Accept": accept}), 401)
        assert problem["code"] == "not_authenticated"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Invalid("name", "is bad"), 400, "invalid"),
        (NotAllowed("No."), 403, "not_allowed"),
        (InsufficientScope(["a"]), 403, "insufficient_scope"),
        (NotFound("No."), 404, "not_found"),
        (Conflict("name", "is taken"), 409, "conflict"),
        (Http404(), 404, "not_found"),
        (OperationalError("gone"), 503, "unavailable"),
        (OperationalError(""), 503, "unavailable"),
        (InterfaceError("closed\nand more"), 503, "unavailable"),
        (Throttled(2.3), 429, "throttled"),
        (ValidationError({"a": [{"b": ["bad"]}]}), 400, "invalid"),
        (APIException("odd"), 500, "error"),
    ],
)
@pytest.mark.requirement(91)
def test_an_exception_in_a_view_is_a_problem_with_its_status(
    error: Exception, status: int, code: str
) -> None:
    response = problems.handle(error, {})
    assert response is not None
    assert response.content_type == "application/problem+json"
    body: Any = response.data
    assert (response.status_code, body["status"], body["code"]) == (status, status, code)


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.requirement(91)
def test_an_exception_outside_of_drf_is_a_problem_without_a_trace(name: str, settings: Any, db: None) -> None:
    settings.ROOT_URLCONF = "tests.config.failing_urls"
    response = Client(raise_request_exception=False).get(f"/fail/{name}")
    assert_problem(response, ERRORS[name][1])
    assert b"secret detail" not in response.content
    assert b"Traceback" not in response.content


@pytest.mark.requirement(92)
def test_a_throttled_request_says_when_to_come_back() -> None:
    for wait, seconds in ((2.3, "3"), (None, "1")):
        response = problems.handle(Throttled(wait), {})
        assert response is not None
        assert response.headers["Retry-After"] == seconds


@pytest.mark.requirement(92)
def test_an_unreachable_database_says_when_to_come_back() -> None:
    response = problems.handle(OperationalError("gone"), {})
    assert response is not None
    assert response.headers["Retry-After"] == "2"
    try:
        raise OperationalError("gone")
    except OperationalError:
        plain = problems.server_error(RequestFactory().get("/"))
    assert (plain.status_code, plain.headers["Retry-After"]) == (503, "2")


def test_a_refused_credential_comes_with_a_challenge(cast: Cast) -> None:
    offered = Api().get("auth/me").headers["WWW-Authenticate"]
    assert offered == 'Basic realm="Keyhouse", charset="UTF-8", Bearer realm="Keyhouse"'
    response = with_key("kh_live_nonsense").get("auth/me")
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]
    response = with_key(make_key(cast.alice, "keys:read")).get("audit")
    assert 'error="insufficient_scope", scope="audit:read"' in response.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("name", "realm"),
    [
        ('Keys "and" more', r"Keys \"and\" more"),
        ("back\\slash", r"back\\slash"),
        ("Schlüssel", r"Schl\\xfcssel"),
    ],
)
def test_a_product_of_any_name_is_a_realm_in_ascii_with_its_quotes_escaped(
    name: str, realm: str, cast: Cast
) -> None:
    file = profiles.active().file
    named = replace(file, product=replace(file.product, name=name))
    with profiles.override(profiles.Profile("named", named)):
        refused = Api().get("auth/me")
        unknown = {"Authorization": f"Basic {b64encode(b'nobody:nothing').decode()}"}
        asked = [
            Client().post(f"/api/v1/auth/oauth2/{place}", {"token": "x"}, headers=unknown)
            for place in ("introspect", "revoke")
        ]
    expected = f'Basic realm="{realm}", charset="UTF-8", Bearer realm="{realm}"'
    assert refused.headers["WWW-Authenticate"] == expected
    assert [(answer.status_code, answer.headers["WWW-Authenticate"]) for answer in asked] == [
        (401, f'Basic realm="{realm}"')
    ] * 2


def test_a_path_in_a_problem_is_escaped() -> None:
    problem = assert_problem(Client().get("/%0d%0a%1b[31m%00%E2%80%AE"), 404)
    assert problem["detail"] == "/\\r\\n\\x1b[31m\\x00\\u202e was not found."
