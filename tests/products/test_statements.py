"""Sentences of the pages that no printed request shows."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from access.callers import caller_at_command_line
from accounts.mail.delivery import send_due
from accounts.models import User
from accounts.organizations.services import create_organization
from apikeys.services.api_keys import create_api_key
from config import profiles
from config.profiles import Profile
from config.wire.errors import Invalid
from tests.accounts.mailbox import Mailbox, token_in
from tests.conftest import PASSWORD, add_user
from tests.every_profile.speaker import Credential, Speaker, bearer

Speak = Callable[[str], Speaker]
SEQUENCEWARE_TABLE = [
    ("POST", "/v1/events", {"key"}),
    *[("GET", path, {"admin", "reviewer", "viewer"}) for path in ("/v1/runs", "/v1/runs/7", "/v1/policies")],
    *[("GET", path, {"admin", "reviewer", "viewer"}) for path in ("/v1/audit", "/v1/metrics/runs/daily")],
    ("GET", "/v1/policies/7/versions", {"admin", "reviewer", "viewer"}),
    ("GET", "/v1/approvals", {"admin", "reviewer"}),
    ("POST", "/v1/approvals/7/approve", {"admin", "reviewer"}),
    ("POST", "/v1/approvals/7/reject", {"admin", "reviewer"}),
    *[("POST", f"/v1/{what}", {"admin"}) for what in ("policies", "api-keys", "users", "webhooks")],
    *[("DELETE", f"/v1/{what}/7", {"admin"}) for what in ("policies", "api-keys", "users", "webhooks")],
    *[("PATCH", f"/v1/{what}/7", {"admin"}) for what in ("policies", "users")],
    ("GET", "/v1/users", {"admin"}),
    ("GET", "/health", {"admin", "reviewer", "viewer", "key", "nobody"}),
    ("POST", "/v1/auth/login", {"admin", "reviewer", "viewer", "key", "nobody"}),
    ("POST", "/v1/auth/register", {"admin", "reviewer", "viewer", "key", "nobody"}),
]


@pytest.fixture
def speaking(db: None, served_profile: Callable[[Profile], None]) -> Speak:
    def speak(name: str) -> Speaker:
        profile = profiles.load(name)
        served_profile(profile)
        return Speaker(profile)

    return speak


def test_sequenceware_the_endpoint_authentication_summary(speaking: Speak) -> None:
    product = speaking("sequenceware")
    roles = ("admin", "reviewer", "viewer")
    callers: dict[str, Credential] = {role: product.token_of(add_user(role, role)) for role in roles}
    callers |= {"key": product.key(product.make_key(callers["admin"])["key"]), "nobody": {}}
    let_in = [
        (method, path, {who for who, by in callers.items() if product.ask_gateway(method, path, by) == 200})
        for method, path, _ in SEQUENCEWARE_TABLE
    ]
    assert let_in == SEQUENCEWARE_TABLE


def test_sentinelnerd_scopes_are_required(speaking: Speak) -> None:
    product = speaking("sentinelnerd")
    instance = create_organization(caller=caller_at_command_line(), name="instance")
    made = create_api_key(caller=caller_at_command_line(), name="k", owner=instance, granted=["admin"])
    for members in ({"name": "x"}, {"name": "x", "scopes": []}):
        answer = product.send("POST", "api-keys", "api_key_created", members, by=bearer(made.text))
        assert answer.status == 400 and "scopes" in str(answer.body)
    with pytest.raises(Invalid, match="scopes"):
        create_api_key(caller=caller_at_command_line(), name="k", owner=instance)


def test_dariet_lists_your_active_keys_in_every_role(speaking: Speak) -> None:
    product = speaking("dariet")
    ada, vi = (product.token_of(add_user(name, role)) for name, role in (("ada", "admin"), ("vi", "viewer")))
    product.make_key(ada, name="hers")
    ended = product.make_key(ada, name="ended")
    others = product.make_key(vi, name="his")
    assert product.send("DELETE", f"api-keys/{ended['id']}", "api_key", by=ada).status == 204
    for by, name in ((ada, "hers"), (vi, "his")):
        listed = product.send("GET", "api-keys", "api_key", by=by).body
        assert [each["name"] for each in listed] == [name]
    assert product.send("GET", f"api-keys/{others['id']}", "api_key", by=ada).status == 200


def test_dariet_what_was_shown_of_oneself_can_be_sent_back(speaking: Speak) -> None:
    product = speaking("dariet")
    ada = product.token_of(add_user("ada", "admin"))
    me = product.send("GET", "auth/me", "me", by=ada).body
    members = {name: me[name] for name in ("name", "email", "role", "is_active")}
    assert product.send("PATCH", f"users/{me['id']}", "user", members, by=ada).status == 200
    members["email"] = "another@example.org"
    assert product.send("PATCH", f"users/{me['id']}", "user", members, by=ada).status == 400


def test_sentrikat_a_service_learns_the_flags_of_the_key_that_asks(
    speaking: Speak,
) -> None:
    product = speaking("sentrikat")
    ada = product.token_of(add_user("ada", "super_admin"))
    flags: dict[str, Any] = {"key_type": "client", "scan_code_dependencies": True}
    made = product.make_key(ada, scopes=["products:read"], **flags)
    asked = {"X-Original-Method": "GET", "X-Original-URI": "/api/products/7"}
    told = Client(headers={**product.key(made["key"]), **asked}).get("/gateway/check").headers
    kind, _, key = told["X-Auth-Credential"].partition(":")
    shown = product.send("GET", f"api-keys/{key}", "api_key", by=ada).body
    assert kind == "key" and shown["id"] == made["id"]
    assert {name: shown[name] for name in flags} == flags


def test_netrecon_a_key_needs_the_rights_of_the_people_that_it_manages(
    speaking: Speak,
) -> None:
    product = speaking("netrecon")
    ada, member = add_user("ada", "admin"), add_user("m", "member")
    held = product.profile.power_of_role("member", "global").scopes
    statuses = []
    for scopes in ({"users_manage"}, {"users_manage", "api_keys_manage", *held}):
        made = create_api_key(caller=caller_at_command_line(), name="k", owner=ada, granted=sorted(scopes))
        by = product.key(made.text)
        changed = product.send("PATCH", f"users/{member.uuid}", "user", {"name": "Z"}, by=by)
        statuses.append((product.send("GET", "users", "user", by=by).status, changed.status))
    assert statuses == [(200, 403), (200, 200)]


def test_netrecon_a_key_that_manages_users_invites_and_sets_no_password(
    speaking: Speak, mailbox: Mailbox
) -> None:
    product = speaking("netrecon")
    member = product.profile.power_of_role("member", "global").scopes
    granted = sorted({"users_manage", "api_keys_manage", *member})
    made = create_api_key(
        caller=caller_at_command_line(), name="k", owner=add_user("ada", "admin"), granted=granted
    )
    by, eve = product.key(made.text), {"email": "eve@example.net", "role": "member"}
    assert product.send("POST", "users", "user", {**eve, "password": PASSWORD}, by=by).status == 403
    assert product.send("POST", "users/invitations", "invitation", eve, by=by).status == 201
    send_due()
    accepted = {"token": token_in(mailbox.to("eve@example.net")[-1]), "password": PASSWORD}
    assert product.send("POST", "auth/accept-invitation", "accept_invitation", accepted).status == 200
    assert product.logged_in(User.objects.get(email="eve@example.net")).status == 200


def test_dariet_an_administrator_s_login_adds_people_and_gives_them_passwords(speaking: Speak) -> None:
    product = speaking("dariet")
    ada = product.token_of(add_user("ada", "admin"))
    sent = {"email": "new@example.org", "name": "New User", "password": PASSWORD, "role": "viewer"}
    made = product.send("POST", "users", "user", sent, by=ada)
    assert made.status == 201
    other = {"password": f"{PASSWORD}, again"}
    assert product.send("PATCH", f"users/{made['id']}", "user", other, by=ada).status == 200
