"""The whole route table of every product, for every kind of credential."""

from urllib.parse import urlencode

import pytest
from django.test import Client

from access.callers import caller_at_command_line
from accounts.models import User
from apikeys.services.api_keys import create_api_key
from config.profiles.schema import Route
from oauth.services.clients import create_client
from tests.every_profile.speaker import NOBODY, Credential, Speaker, bearer

pytestmark = pytest.mark.once


def address(route: Route) -> str:
    """Return a path that matches this row, and no more specific one."""
    words = ["x7" if part.startswith("{") else part for part in route.path.split("/")]
    return "/".join("x8/y9" if word == "**" else word for word in words)


def key_of(speaker: Speaker, owner: User, scopes: list[str]) -> Credential:
    made = create_api_key(caller=caller_at_command_line(), name="k", owner=owner, granted=scopes)
    return speaker.key(made.text)


def token_of_client(speaker: Speaker, user: User, scopes: list[str]) -> Credential:
    """Return the token of a machine client that the user owns."""
    made = create_client(caller=caller_at_command_line(), name="m", scopes=scopes, owner=user)
    sent = {"client_id": made.row.client_id, "client_secret": made.secret}
    form = urlencode({"grant_type": "client_credentials", **sent})
    answer = Client().post(speaker.path("auth/oauth2/token"), form, "application/x-www-form-urlencoded")
    return bearer(answer.json()["access_token"])


def expected(speaker: Speaker, route: Route, kind: str, user: User, granted: frozenset[str]) -> int:
    """Return the row's decision about a credential of `user` with the scopes `granted`."""
    if "none" in route.credentials:
        return 200
    if kind == "nobody":
        return 401
    held = speaker.profile.power_of_role(user.role, "global").scopes & granted
    has_role = not route.roles or user.role in route.roles
    return 200 if kind in route.credentials and has_role and set(route.scopes) <= held else 403


def test_every_row_lets_in_whom_it_says_and_nobody_else(speaker: Speaker, admin: User, person: User) -> None:
    everything = frozenset(speaker.profile.scopes)
    callers: list[tuple[str, User, frozenset[str], Credential]] = [("nobody", person, frozenset(), NOBODY)]
    for user in (admin, person):
        held = speaker.profile.power_of_role(user.role, "global").scopes
        callers.append(("jwt", user, everything, speaker.token_of(user)))
        callers.append(("key", user, held, key_of(speaker, user, sorted(held))))
        if speaker.profile.oauth2 is not None:
            callers.append(("oauth2", user, held, token_of_client(speaker, user, sorted(held))))
        if not speaker.profile.keys.scopes_required:
            callers.append(("key", user, frozenset(), key_of(speaker, user, [])))
    wrong = [
        (method, route.path, kind, user.username, found)
        for route in speaker.profile.routes
        for method in route.methods
        for kind, user, granted, credential in callers
        for found in [speaker.ask_gateway(method, address(route), credential)]
        if found != expected(speaker, route, kind, user, granted)
    ]
    assert wrong == []


def test_a_path_in_no_row_and_one_with_two_readings_are_refused(speaker: Speaker, admin: User) -> None:
    token = speaker.token_of(admin)
    for uri in ("/", "/nothing/at/all", "/gateway/check"):
        assert speaker.ask_gateway("GET", uri, token) == 403
    for route in speaker.profile.routes:
        for trick in ("/..", "//x", ";x", "%2f", "/%2e%2e/x"):
            assert speaker.ask_gateway(route.methods[0], address(route) + trick, token) == 403


@pytest.mark.requirement(63)
def test_a_revoked_key_is_401_at_every_row(speaker: Speaker, admin: User) -> None:
    token = speaker.token_of(admin)
    made = speaker.make_key(token)
    assert speaker.send("DELETE", f"api-keys/{made['id']}", "api_key", by=token).status == 204
    for route in speaker.profile.routes:
        status = speaker.ask_gateway(route.methods[0], address(route), speaker.key(made["key"]))
        assert status == (200 if "none" in route.credentials else 401)


def test_introspection_has_the_form_of_the_rfc_in_every_product(speaker: Speaker, admin: User) -> None:
    token = speaker.token_of(admin)
    made = speaker.make_key(token)
    answer = Client(headers=dict(token)).post(
        "/gateway/introspect", {"token": made["key"]}, "application/json"
    )
    found = answer.json()
    assert (found["active"], found["token_type"], found["sub"]) == (True, "api_key", str(admin.uuid))
    assert found.get("scope", "").split() == sorted(speaker.profile.scopes)
