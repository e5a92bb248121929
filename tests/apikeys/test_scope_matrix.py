"""The scopes that open each of our endpoints, generated from the declarations of the views."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from access.permissions import Need, Needs
from audit.models import Event
from config import profiles
from tests.conftest import Api, Cast, assert_problem, make_cast, make_key, with_key
from tests.snapshot import Snapshot

pytestmark = pytest.mark.once

NOBODY = str(UUID(int=0))


def views(patterns: list[Any]) -> Iterator[tuple[str, Any]]:
    """(path, callback) of every DRF view."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns)
        elif isinstance(pattern, URLPattern) and hasattr(pattern.callback, "cls"):
            with_ids = dict.fromkeys(pattern.pattern.regex.groupindex, NOBODY)
            yield reverse(str(pattern.name), kwargs=with_ids), pattern.callback


def declared() -> Iterator[tuple[str, str, Need]]:
    """(method, path, need) of our endpoints, except userinfo, whose scope no key can have."""
    for path, callback in views(get_resolver().url_patterns):
        if path.endswith("/userinfo"):
            continue
        needs: Needs = getattr(callback.cls, "needs", {})
        actions = getattr(callback, "actions", None) or {name: name for name in needs}
        for method, action in actions.items():
            if method != "head":
                yield method.upper(), path, needs[action]


ENDPOINTS = list(declared())
NAMES = [f"{method} {path}" for method, path, _ in ENDPOINTS]
SCOPES = list(profiles.active().scopes)


def opens(scope: str, need: Need) -> bool:
    return isinstance(need, str) or bool(
        profiles.active().power_of_scopes(frozenset({scope})).capabilities & need
    )


def test_the_matrix_covers_the_endpoints_of_keys_and_the_gateway() -> None:
    paths = {(method, path.replace(NOBODY, "{id}")) for method, path, _ in ENDPOINTS}
    keys = "/api/v1/api-keys"
    assert {("GET", keys), ("POST", keys)} <= paths
    assert {(method, keys + "/{id}") for method in ("GET", "PATCH", "DELETE")} <= paths
    assert {("GET", "/api/v1/scopes"), ("POST", "/gateway/introspect"), ("GET", "/api/v1/audit")} <= paths


def make_keys() -> dict[str, str]:
    """A key of ada's for each scope."""
    ada = make_cast().ada
    return {scope: make_key(ada, scope).text for scope in SCOPES}


made = Snapshot(make_keys)


@pytest.mark.parametrize(("method", "path", "need"), ENDPOINTS, ids=NAMES)
@pytest.mark.requirement(58)
def test_an_endpoint_is_open_to_exactly_the_scopes_that_it_needs(
    db: None, method: str, path: str, need: Need
) -> None:
    program = Api().client
    for scope, key in made.write().items():
        answer = program.generic(method, path, "{}", "application/json", headers={"X-API-Key": key})
        if opens(scope, need):
            assert answer.status_code != 401 and "WWW-Authenticate" not in answer.headers, scope
        else:
            assert_problem(answer, 403, "insufficient_scope")
            expected = needed_scope(need)
            header = f'Bearer realm="Keyhouse", error="insufficient_scope", scope="{expected}"'
            assert answer.headers["WWW-Authenticate"] == header


def needed_scope(need: Need) -> str:
    catalogue = profiles.active().scopes
    return next(name for name, scope in catalogue.items() if set(scope.capabilities) & set(need))


@pytest.mark.parametrize(("method", "path", "need"), ENDPOINTS, ids=NAMES)
@pytest.mark.requirement(58)
def test_no_endpoint_is_open_without_a_credential(db: None, method: str, path: str, need: Need) -> None:
    answer = Api().client.generic(method, path, "{}", content_type="application/json")
    assert_problem(answer, 401, "not_authenticated")


def test_a_missing_scope_is_recorded_as_denied_access_of_the_key(cast: Cast) -> None:
    key = make_key(cast.acme, "services:read", name="CI")
    assert_problem(with_key(key).get("api-keys"), 403, "insufficient_scope")
    event = Event.objects.get(name="access:denied")
    assert (event.actor_kind, event.actor_id, event.actor_label) == (
        "api_key",
        str(key.row.uuid),
        "CI (Acme)",
    )
    assert event.target_label == "GET /api/v1/api-keys"
    assert event.detail["code"] == "insufficient_scope"


def test_a_key_cannot_log_out(cast: Cast) -> None:
    assert_problem(with_key(make_key(cast.ada, *SCOPES)).post("auth/logout"), 403, "not_allowed")


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "api-keys"), ("PUT", f"api-keys/{NOBODY}"), ("POST", f"api-keys/{NOBODY}"), ("POST", "scopes")],
)
def test_a_method_that_an_endpoint_does_not_have_is_405(cast: Cast, method: str, path: str) -> None:
    program = with_key(make_key(cast.ada, *SCOPES))
    answer = program.client.generic(method, f"/api/v1/{path}", "{}", content_type="application/json")
    assert_problem(answer, 405)
    assert answer.headers["Allow"]


def test_head_is_answered_like_get(cast: Cast) -> None:
    program = with_key(make_key(cast.alice, "keys:read"))
    for path in ("/api/v1/api-keys", "/api/v1/scopes"):
        assert program.client.head(path).status_code == 200
    assert program.client.head(f"/api/v1/api-keys/{NOBODY}").status_code == 404


def test_the_catalogue_says_which_scopes_the_asking_credential_holds(cast: Cast) -> None:
    catalogue = with_key(make_key(cast.bob, "services:write")).get("scopes").json()
    assert [scope["name"] for scope in catalogue] == SCOPES
    assert {scope["name"] for scope in catalogue if scope["held"]} == {"services:read", "services:write"}
    assert all(list(scope) == ["name", "description", "held"] and scope["description"] for scope in catalogue)
