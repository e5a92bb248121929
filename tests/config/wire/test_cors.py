"""Pages of the origins in KEYHOUSE_CORS_ORIGINS read answers of the API; no other page reads anything."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import resolve
from pytest_django.fixtures import DjangoAssertNumQueries, Settings

from access.key_limits import Rate
from config import profiles
from config.profiles import Profile
from config.profiles.loader import parse
from tests.config.profile_texts import GOOD, SHIPPED
from tests.config.wire.test_methods import addresses
from tests.conftest import PASSWORD, Cast, log_in, make_key
from tests.logins import browser as browser_of
from tests.oauth.flow import BASE as OAUTH2
from tests.oauth.flow import CALLBACK, FORM, Flow, make_client

pytestmark = pytest.mark.once

APP = "https://app.example.org"
GRANT = "Access-Control-Allow-Origin"
PREFLIGHT = {"Origin": APP, "Access-Control-Request-Method": "POST"}
JSON = "application/json"
# Views of the API's kind that no script of another origin has a use for.
NOT_SHARED = {
    *("/gateway/introspect", "/gateway/report", "/schema", "/docs"),
    *("/leaks", "/leaks/github", "/.well-known/keyhouse-scanner"),
}
OTHERS = (
    "null",
    "https://evil.example",
    "http://app.example.org",
    "https://app.example.org:8443",
    "https://app.example.org.evil.example",
    "https://evilapp.example.org",
    "https://app.example.org, https://app.example.org",
    "app.example.org",
    "http://[",
    "https://\u00e4",
)


@pytest.fixture(autouse=True)
def shared(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = [APP, "https://other.example.org"]


def page(origin: str = APP, **headers: str) -> Client:
    """A script on a page of this origin, as far as a server can tell."""
    return Client(headers={"Origin": origin, **headers}, raise_request_exception=False)


def grants(answer: Any) -> dict[str, str]:
    return {
        name: value for name, value in answer.headers.items() if name.lower().startswith("access-control")
    }


def words(answer: Any, header: str) -> set[str]:
    return set(answer.headers[header].split(", "))


@pytest.mark.parametrize("name", [*SHIPPED, "without a base path"])
@pytest.mark.requirement(87)
def test_the_api_is_shared_and_no_page_gateway_or_probe(
    name: str, served_profile: Callable[[Profile], None], db: None
) -> None:
    bare = parse(GOOD.replace('base_path = "/v1"', 'base_path = ""'), source="bare")
    served_profile(profiles.load(name) if name in SHIPPED else bare)
    not_shared = NOT_SHARED | {f"{profiles.active().base_path}/auth/oauth2/introspect"}
    for path in addresses():
        is_api = hasattr(resolve(path).func, "cls") and path not in not_shared
        answer = Client(raise_request_exception=False).options(path, headers=PREFLIGHT)
        assert (GRANT in answer.headers) == is_api, path
    for path in ("/gateway/check", "/gateway/check/services/x", "/static/keyhouse/admin.css"):
        assert not grants(page().get(path)), path


@pytest.mark.parametrize("name", SHIPPED)
def test_a_preflight_says_what_a_page_may_send(
    name: str,
    served_profile: Callable[[Profile], None],
    django_assert_num_queries: DjangoAssertNumQueries,
    db: None,
) -> None:
    served_profile(profiles.load(name))
    with django_assert_num_queries(0):
        answer = Client().options(f"{profiles.active().base_path}/auth/login", headers=PREFLIGHT)
    assert (answer.status_code, answer.content, dict(answer.cookies)) == (200, b"", {})
    assert answer.headers[GRANT] == APP
    sent = {"Authorization", "Content-Type", "X-Organization", "X-Request-ID"}
    sent |= {"Idempotency-Key", "If-Match", "If-None-Match", profiles.active().keys.header} - {""}
    assert words(answer, "Access-Control-Allow-Headers") == sent
    assert {"GET", "POST", "PATCH", "DELETE"} <= words(answer, "Access-Control-Allow-Methods")
    assert answer.headers["Access-Control-Max-Age"] == "7200"
    assert answer.headers["Vary"].lower() == "origin"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "X-Request-ID" in answer.headers


def test_a_page_may_read_the_headers_that_it_needs_and_sends_no_cookies(db: None) -> None:
    answer = page().get("/api/v1/auth/me")
    assert words(answer, "Access-Control-Expose-Headers") >= {
        *("ETag", "Idempotent-Replayed", "Link", "Location", "RateLimit", "RateLimit-Policy"),
        *("Retry-After", "WWW-Authenticate", "X-Request-ID"),
    }
    assert set(grants(answer)) == {GRANT.lower(), "access-control-expose-headers"}
    assert answer.headers["Vary"].lower() == "origin"
    assert answer.headers["Cache-Control"] == "no-store"


REFUSALS: dict[str, tuple[int, Callable[[], Any]]] = {
    "malformed": (400, lambda: page().post("/api/v1/auth/login", b"{", JSON)),
    "a secret in the URL": (400, lambda: page().get("/api/v1/auth/me?access_token=x")),
    "a wrong Host": (400, lambda: page(Host="evil.example").get("/api/v1/auth/me")),
    "no credential": (401, lambda: page().get("/api/v1/api-keys")),
    "a wrong password": (
        401,
        lambda: page().post("/api/v1/auth/login", {"username": "alice", "password": "wrong"}, JSON),
    ),
    "an unknown path": (404, lambda: page().get("/api/v1/nothing")),
    "a wrong method": (405, lambda: page().put("/api/v1/api-keys", b"{}", JSON)),
    "a wrong client": (401, lambda: page().post(f"{OAUTH2}/token", "grant_type=client_credentials", FORM)),
    "a large body": (413, lambda: page().post("/api/v1/auth/login", b"x" * (2**20 + 1), JSON)),
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_page_reads_why_it_is_refused(kind: str, cast: Cast) -> None:
    status, send = REFUSALS[kind]
    answer = send()
    assert (answer.status_code, answer.headers.get(GRANT)) == (status, APP), answer.content


def test_a_page_reads_that_a_key_has_reached_its_rate(cast: Cast) -> None:
    key = make_key(cast.ada, "services:read", rate_limit=Rate(1, 60))
    client = page(**{"X-API-Key": key.text})
    answers = [client.get("/api/v1/scopes") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert {answer.headers[GRANT] for answer in answers} == {APP}
    assert {"Retry-After", "RateLimit"} <= set(answers[1].headers)


@pytest.mark.parametrize("origin", OTHERS)
@pytest.mark.requirement(87)
def test_a_page_of_another_origin_reads_nothing(origin: str, db: None) -> None:
    for answer in (
        Client().options("/api/v1/auth/login", headers={**PREFLIGHT, "Origin": origin}),
        page(origin).get("/api/v1/auth/me"),
        page(origin).get("/api/v1/nothing"),
        page(origin).post(f"{OAUTH2}/token", "grant_type=client_credentials", FORM),
    ):
        assert not grants(answer)
        assert "origin" in answer.headers["Vary"].lower()


def test_a_cookie_of_the_admin_opens_nothing_to_a_page(cast: Cast) -> None:
    client = page()
    client.cookies = browser_of(cast.ada).cookies
    answer = client.get("/api/v1/auth/me")
    assert (answer.status_code, "Access-Control-Allow-Credentials" in answer.headers) == (401, False)


def test_a_page_logs_in_refreshes_and_logs_out(cast: Cast) -> None:
    first = page().post("/api/v1/auth/login", {"username": "alice", "password": PASSWORD}, JSON)
    second = page().post("/api/v1/auth/refresh", {"refresh_token": first.json()["refresh_token"]}, JSON)
    bearer = f"Bearer {second.json()['access_token']}"
    third = page(Authorization=bearer).post("/api/v1/auth/logout", {}, JSON)
    assert [(each.status_code, each.headers[GRANT]) for each in (first, second, third)] == [
        (200, APP),
        (200, APP),
        (204, APP),
    ]


def test_a_page_is_a_public_client_of_oauth2(cast: Cast) -> None:
    flow = Flow(make_client(is_public=True), cast.alice)
    sent = {"grant_type": "authorization_code", "code": flow.code(), "redirect_uri": CALLBACK}
    sent |= {"code_verifier": flow.verifier, "client_id": flow.client.row.client_id}
    answers = [page().post(f"{OAUTH2}/token", urlencode(sent), FORM)]
    again = {"grant_type": "refresh_token", "refresh_token": answers[0].json()["refresh_token"]}
    again["client_id"] = flow.client.row.client_id
    answers.append(page().post(f"{OAUTH2}/token", urlencode(again), FORM))
    revoked = {"token": answers[1].json()["refresh_token"], "client_id": flow.client.row.client_id}
    answers.append(page().post(f"{OAUTH2}/revoke", urlencode(revoked), FORM))
    answers += [page().get("/.well-known/openid-configuration"), page().get("/.well-known/jwks.json")]
    assert [(each.status_code, each.headers[GRANT]) for each in answers] == [(200, APP)] * 5


@pytest.mark.requirement(87)
def test_an_answer_is_the_same_for_programs_without_an_origin(cast: Cast) -> None:
    token = log_in(cast.alice)["access_token"]
    answer = Client(headers={"Authorization": f"Bearer {token}"}).get("/api/v1/auth/me")
    assert (answer.status_code, grants(answer)) == (200, {})
