"""CHECKLIST 90: Allow is true at every address: listed methods are not 405, all others are."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from config.profiles import Profile
from tests.config.profile_texts import SHIPPED, profile_called
from tests.conftest import Cast, as_user, assert_problem
from tests.logins import browser as browser_of

pytestmark = pytest.mark.once

METHODS = (
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "PROPFIND",
    "X" * 100,
)
STATIC = "/static/keyhouse/admin.css"
JSON = "application/json"
UUID = "00000000-0000-4000-8000-000000000001"


def addresses(patterns: Any = None, before: str = "") -> Iterator[str]:
    """An address of every entry of the URL map, the admin's too."""
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        here = before + example(str(entry.pattern))
        if isinstance(entry, URLResolver):
            yield from addresses(entry.url_patterns, here)
        else:
            assert isinstance(entry, URLPattern)
            yield f"/{here}"


def example(pattern: str) -> str:
    """Return a path that matches a pattern: <uuid:pk> becomes a UUID, <int:pk> and ([^/.]+) 1, (a|b) a."""
    pattern = re.sub(r"<uuid:\w+>", UUID, pattern)
    text = re.sub(r"<[^<>]+>(?!\[|[a-z.])", "1", pattern)
    text = re.sub(r"\(\?P<\w+>(\[\^/\.\]\+|\.\*)\)", "1", text)
    text = re.sub(r"\(\?P<\w+>(\w+)[^)]*\)", r"\1", text)
    return text.replace(r"\.", ".").strip("^$")


def allowed(answer: Any) -> set[str]:
    return {word for word in answer.headers["Allow"].split(", ") if word}


def check(client: Client, path: str) -> set[str]:
    """Assert that Allow is true at `path` and costs no query, and return it."""
    with CaptureQueriesContext(connection) as asked:
        options = client.options(path)
    assert (options.status_code, options.content, len(asked)) == (204, b"", 0), path
    listed = allowed(options)
    for method in METHODS:
        with CaptureQueriesContext(connection) as asked:
            answer = client.generic(method, path, b"{}", JSON)
        assert (answer.status_code == 405) == (method not in listed), (method, path, answer.status_code)
        if answer.status_code == 405:
            assert allowed(answer) == listed, (method, path)
            assert len(asked) == 0, (method, path)
            assert method == "HEAD" or assert_problem(answer, 405, "method_not_allowed")
    assert ("HEAD" in listed) == ("GET" in listed)
    return listed


@pytest.mark.requirement(90)
def test_the_addresses_are_all_there_are() -> None:
    found = set(addresses())
    assert len(found) > 100
    assert {"/health", "/metrics", "/api/v1/api-keys/1", "/api/v1/organizations/1/members/1"} <= found
    assert {"/admin/", "/admin/accounts/user/1/change/", "/admin/logout/", "/admin/autocomplete/"} <= found
    assert {"/reset-password", "/.well-known/jwks.json", "/gateway/introspect", "/docs"} <= found
    for path in found:
        get_resolver().resolve(path)


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.requirement(90)
def test_allow_is_true_for_strangers_in_every_profile(
    name: str, served_profile: Callable[[Profile], None], db: None
) -> None:
    served_profile(profile_called(name))
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    for path in addresses():
        if name == "keyhouse" or not path.startswith("/admin/"):  # no profile changes the admin's paths
            check(client, path)


@pytest.mark.requirement(90)
def test_allow_is_true_for_an_administrator(cast: Cast) -> None:
    for path in addresses():  # each with a new login: some of them end it
        if path.startswith(("/admin", "/account")):
            client = browser_of(cast.ada, headers={}, raise_request_exception=False)
        else:
            client = as_user(cast.ada).client
        assert check(client, path) == allowed(Client().options(path))


@pytest.mark.parametrize(
    ("path", "listed"),
    [
        ("/health", {"GET", "HEAD", "OPTIONS"}),
        ("/metrics", {"GET", "HEAD", "OPTIONS"}),
        (STATIC, {"GET", "HEAD", "OPTIONS"}),
        ("/schema", {"GET", "HEAD", "OPTIONS"}),
        ("/api/v1/auth/login", {"POST", "OPTIONS"}),
        ("/api/v1/auth/me", {"GET", "HEAD", "PATCH", "OPTIONS"}),
        ("/api/v1/api-keys", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("/api/v1/auth/sessions", {"GET", "HEAD", "DELETE", "OPTIONS"}),
        ("/gateway/introspect", {"POST", "OPTIONS"}),
        ("/reset-password", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("/admin/logout/", {"POST", "OPTIONS"}),
        ("/admin/accounts/user/", {"GET", "HEAD", "POST", "OPTIONS"}),
    ],
)
@pytest.mark.requirement(90)
def test_what_some_addresses_take(path: str, listed: set[str], db: None) -> None:
    assert check(Client(raise_request_exception=False), path) == listed


def test_a_method_that_is_not_taken_is_405_without_a_csrf_token(db: None) -> None:
    strict = Client(enforce_csrf_checks=True)
    for path in ("/health", "/.well-known/jwks.json", "/docs", "/admin/", "/reset-password", STATIC):
        assert_problem(strict.put(path), 405, "method_not_allowed")
    for method in ("POST", "PUT", "DELETE"):
        assert_problem(strict.generic(method, "/"), 405, "method_not_allowed")
        assert_problem(strict.generic(method, "/nothing"), 404, "not_found")


def test_options_tells_strangers_the_same_whatever_is_there(cast: Cast) -> None:
    for there, nowhere in (
        (f"/api/v1/users/{cast.bob.uuid}", "/api/v1/users/1"),
        (f"/admin/accounts/user/{cast.bob.pk}/change/", "/admin/accounts/user/0/change/"),
    ):
        answers = [Client().options(path) for path in (there, nowhere)]
        assert answers[0].headers["Allow"] == answers[1].headers["Allow"]
        for each in answers:
            assert (each.status_code, each.content, dict(each.cookies)) == (204, b"", {})
            assert "Content-Type" not in each.headers


@pytest.mark.parametrize("path", ["/nothing", "/api/v1/nothing", "/static/nothing.css"])
def test_at_unknown_addresses_options_is_404_and_odd_methods_are_405(path: str, db: None) -> None:
    assert_problem(Client().options(path), 404)
    answer = Client().generic("TRACE", path)
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == ""


def test_options_at_the_gateway_is_the_question_of_a_proxy_and_never_answered_by_us(cast: Cast) -> None:
    """Traefik can ask with the method of the request (preserveRequestMethod), and lets every 2xx through."""
    asked = {"X-Forwarded-Method": "OPTIONS", "X-Forwarded-Uri": "/services/x"}
    for headers in ({}, asked):
        answer = Client(headers=headers).options("/gateway/check")
        assert_problem(answer, 405)
        assert answer.headers["Allow"] == "GET, HEAD"
    assert_problem(Client().options("/gateway/check/services/x", RAW_URI="/gateway/check/services/x"), 403)
    assert_problem(Client(headers=asked).get("/gateway/check"), 403, "not_allowed")
