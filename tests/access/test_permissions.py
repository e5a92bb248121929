"""DeclaredNeeds: a view declares what it needs, and everything undeclared is refused."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory
from rest_framework.response import Response
from rest_framework.views import APIView

from access.permissions import NEEDED_SCOPES, check_need, need_of, scopes_for
from access.principals import Credential, Principal
from config import profiles
from config.profiles import Capability, Power
from config.wire.errors import InsufficientScope, NotAllowed
from tests.conftest import Api, Cast, as_user, assert_problem, make_key, with_key

READ = frozenset({Capability.READ_AUDIT})


def somebody(kind: Any, *capabilities: Capability) -> Principal:
    return Principal("u", "u", Credential(kind, "c"), everywhere=Power(frozenset(capabilities)))


class Silent(APIView):
    """Declares no needs."""

    def get(self, request: Any) -> Response:
        return Response("open")


class Forgetful(Silent):
    """Declares the needs of POST, but also has a GET."""

    needs = {"post": "authenticated"}

    def post(self, request: Any) -> Response:
        return Response("open")


class Either(Silent):
    """Two scopes open it; the profile names that of the people first."""

    needs = {"get": READ | {Capability.MANAGE_USERS}}


@pytest.mark.parametrize("view", [Silent, Forgetful])
def test_a_view_that_declares_no_needs_is_an_error_and_not_an_open_door(
    cast: Cast, view: type[APIView]
) -> None:
    key = make_key(cast.ada, *profiles.active().scopes)
    request = RequestFactory().get("/", headers={"X-API-Key": key.text})
    with pytest.raises(ImproperlyConfigured, match=view.__name__):
        view.as_view()(request)


def test_a_need_is_that_of_the_action_or_else_of_the_method() -> None:
    view = Forgetful()
    assert need_of(view, "POST") == "authenticated"
    view.action = "list"  # type: ignore[attr-defined]
    with pytest.raises(ImproperlyConfigured, match="list"):
        need_of(view, "POST")


def test_any_one_of_the_capabilities_in_any_place_is_enough() -> None:
    need = READ | {Capability.MANAGE_USERS}
    check_need(somebody("jwt", Capability.READ_AUDIT), need)
    within = {1: Power(frozenset({Capability.MANAGE_USERS}))}
    check_need(Principal("u", "u", Credential("jwt", "c"), within=within), need)


def test_a_person_is_told_that_their_role_and_a_key_that_its_scope_does_not_suffice() -> None:
    with pytest.raises(NotAllowed) as caught:
        check_need(somebody("jwt", Capability.READ_KEYS), READ)
    assert not isinstance(caught.value, InsufficientScope)
    with pytest.raises(InsufficientScope) as refused:
        check_need(somebody("key", Capability.READ_KEYS), READ)
    assert refused.value.scopes == ["audit:read"]


def test_no_capabilities_at_all_let_nobody_in() -> None:
    with pytest.raises(NotAllowed):
        check_need(somebody("jwt", *Capability), frozenset())


def test_what_is_for_people_is_not_for_keys() -> None:
    check_need(somebody("jwt"), "person")
    with pytest.raises(NotAllowed):
        check_need(somebody("key", *Capability), "person")
    check_need(somebody("key"), "authenticated")


@pytest.mark.parametrize("capability", list(Capability))
def test_the_scope_that_is_named_does_open_what_was_needed(capability: Capability) -> None:
    [name] = scopes_for(frozenset({capability}))
    assert capability in profiles.active().power_of_scopes(frozenset({name})).capabilities


def test_the_scope_that_opens_is_one_of_those_that_may_be_named() -> None:
    need = READ | {Capability.MANAGE_USERS}
    assert scopes_for(need, frozenset({"audit:read"})) == ("audit:read",)
    assert scopes_for(need, frozenset({"audit:read", "users:write"})) == ("users:write",)
    assert scopes_for(need, frozenset({"services:read"})) == scopes_for(need, frozenset()) == ()
    assert scopes_for(need) == ("users:write",)


def test_a_key_is_let_in_by_a_scope_that_it_has(cast: Cast) -> None:
    key = make_key(cast.ada, "audit:read")
    request = RequestFactory().get("/", headers={"X-API-Key": key.text})
    assert Either.as_view()(request).status_code == 200
    assert request.META[NEEDED_SCOPES] == ("audit:read",)


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("auth/me", {"GET", "PATCH"}),
        ("auth/logout", {"POST"}),
        ("auth/login", {"POST"}),
        ("auth/refresh", {"POST"}),
        ("api-keys", {"GET", "POST"}),
        ("scopes", {"GET"}),
        ("audit", {"GET"}),
        ("/gateway/introspect", {"POST"}),
    ],
)
@pytest.mark.requirement(90)
def test_a_method_that_an_endpoint_does_not_have_is_a_405_for_known_callers(
    cast: Cast, path: str, methods: set[str]
) -> None:
    ada = as_user(cast.ada)
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"} - methods:
        answer = ada.client.generic(method, ada._address(path))
        assert_problem(answer, 405, "method_not_allowed")
        assert answer.headers["Allow"]
        assert Api().client.generic(method, ada._address(path)).status_code in {401, 405}


@pytest.mark.parametrize("path", ["auth/me", "api-keys", "scopes", "audit"])
def test_head_asks_for_what_get_asks_for(cast: Cast, path: str) -> None:
    ada = as_user(cast.ada)
    head = ada.client.head(ada._address(path))
    assert (head.status_code, head.content) == (200, b"")
    assert Api().client.head(ada._address(path)).status_code == 401
    assert with_key(make_key(cast.mallory)).client.head("/api/v1/audit").status_code == 403


@pytest.mark.requirement(47)
def test_a_lower_role_gets_403_from_what_is_for_auditors_and_it_is_recorded(cast: Cast) -> None:
    for user in (cast.bob, cast.mallory):
        assert_problem(as_user(user).get("audit"), 403, "not_allowed")
    events = as_user(cast.ada).get("audit?event=access:denied").json()["results"]
    assert [event["actor"]["label"] for event in events] == ["mallory", "bob"]
