"""Administering people and organizations, in every product."""

import re

import pytest

from accounts.models import User
from config.profiles import Capability
from tests.conftest import PASSWORD
from tests.every_profile.speaker import NOBODY, Speaker, least_role

pytestmark = pytest.mark.once

SECRETS = re.compile(r"\b_*(?:argon2|digest|seed|pepper)")  # ids are random letters, which may spell "seed"
EVE = {"email": "eve@example.org", "name": "Eve", "password": PASSWORD}


def test_people_are_added_seen_changed_and_deleted(speaker: Speaker, admin: User) -> None:
    token = speaker.token_of(admin)
    least = least_role(speaker.profile)
    made = speaker.send("POST", "users", "user", {**EVE, "username": "eve", "role": least}, by=token)
    assert made.status == 201, made.raw
    path = f"users/{made['id']}"
    assert made["id"] in [each["id"] for each in speaker.send("GET", "users", "user", by=token).body]
    assert speaker.send("GET", path, "user", by=token)["email"] == EVE["email"]
    assert speaker.send("PATCH", path, "user", {"name": "Eva"}, by=token).status == 200
    eve = User.objects.get(email=EVE["email"])
    assert (eve.name, eve.role) == ("Eva", least)
    assert speaker.logged_in(eve).status == 200
    assert speaker.send("DELETE", path, "user", by=token).status == 204
    assert speaker.send("GET", path, "user", by=token).status == 404


@pytest.mark.requirement(37)
def test_a_deactivated_person_is_out_at_once(speaker: Speaker, admin: User, person: User) -> None:
    token, theirs = speaker.token_of(admin), speaker.token_of(person)
    listed = speaker.send("GET", "users", "user", by=token).body
    number = next(each["id"] for each in listed if each["email"] == person.email)
    assert speaker.send("PATCH", f"users/{number}", "user", {"is_active": False}, by=token).status == 200
    assert speaker.send("GET", "auth/me", "me", by=theirs).status == 401
    assert speaker.logged_in(person).status == 401


@pytest.mark.requirement(34)
def test_an_administrator_sees_and_ends_the_logins_of_a_person(
    speaker: Speaker, admin: User, person: User
) -> None:
    token, theirs = speaker.token_of(admin), speaker.token_of(person)
    listed = speaker.send("GET", "users", "user", by=token).body
    number = next(each["id"] for each in listed if each["email"] == person.email)
    assert len(speaker.send("GET", f"users/{number}/sessions", "session", by=token).body) == 1
    assert speaker.send("DELETE", f"users/{number}/sessions", "session", by=token).status == 204
    assert speaker.send("GET", "auth/me", "me", by=theirs).status == 401


@pytest.mark.parametrize(
    ("method", "path", "capability"),
    [
        ("GET", "users", Capability.READ_USERS),
        ("POST", "users", Capability.MANAGE_USERS),
        ("POST", "organizations", Capability.MANAGE_ORGANIZATIONS),
        ("GET", "audit", Capability.READ_AUDIT),
    ],
)
@pytest.mark.requirement(47)
def test_the_least_role_does_what_the_product_gives_it_and_nothing_else(
    method: str, path: str, capability: Capability, speaker: Speaker, person: User
) -> None:
    held = speaker.profile.power_of_role(person.role, "global").capabilities
    answer = speaker.send(method, path, "user", {}, by=speaker.token_of(person))
    assert (answer.status == 403) == (capability not in held)
    assert speaker.send(method, path, "user", {}, by=NOBODY).status == 401


@pytest.mark.requirement(50)
def test_nobody_makes_somebody_above_themselves(speaker: Speaker, admin: User, person: User) -> None:
    body = {**EVE, "role": admin.role}
    answer = speaker.send("POST", "users", "user", body, by=speaker.token_of(person))
    assert answer.status == 403
    assert not User.objects.filter(email=EVE["email"]).exists()


@pytest.mark.requirement(51)
def test_the_last_admin_stays(speaker: Speaker, admin: User) -> None:
    token = speaker.token_of(admin)
    number = speaker.send("GET", "users", "user", by=token).body[0]["id"]
    assert speaker.send("DELETE", f"users/{number}", "user", by=token).status in {400, 403, 409}
    assert User.objects.filter(pk=admin.pk, is_active=True).exists()


def test_organizations_have_members(speaker: Speaker, admin: User, person: User) -> None:
    roles = speaker.profile.roles_of_level("organization")
    token = speaker.token_of(admin)
    made = speaker.send("POST", "organizations", "organization", {"name": "Acme"}, by=token)
    assert (made.status, made["name"]) == (201, "Acme")
    listed = speaker.send("GET", "users", "user", by=token).body
    number = next(each["id"] for each in listed if each["email"] == person.email)
    path = f"organizations/{made['id']}/members"
    if not roles:
        refused = speaker.send("POST", path, "member", {"user": number, "role": "member"}, by=token)
        assert refused.status == 400
        assert "this product has no roles in organizations" in str(refused.raw)
        return
    added = speaker.send("POST", path, "member", {"user": number, "role": roles[-1]}, by=token)
    assert added.status == 201, added.raw
    assert [each["email"] for each in speaker.send("GET", path, "member", by=token).body] == [person.email]


@pytest.mark.requirement(48, 49)
def test_answers_hold_no_secret_and_extra_members_are_refused(
    speaker: Speaker, admin: User, person: User
) -> None:
    token = speaker.token_of(admin)
    for path in ("users", "auth/me", "auth/sessions", "api-keys", "audit"):
        text = str(speaker.send("GET", path, "user", by=token).raw)
        assert not SECRETS.findall(text)
    mine = speaker.token_of(person)
    for member in ("role", "is_superuser", "is_active", "organization"):
        assert speaker.send("PATCH", "auth/me", "me", {"name": "x", member: "admin"}, by=mine).status == 400


def test_a_product_takes_a_language_only_if_it_shows_one(speaker: Speaker, person: User) -> None:
    token = speaker.token_of(person)
    shown = speaker.send("GET", "auth/me", "me", by=token).raw
    for member, value in (("language", "de"), ("time_zone", "Europe/Berlin")):
        is_shown = speaker.shows("me", member)
        assert (speaker.spelled("me", member) in str(shown)) == is_shown
        answer = speaker.send("PATCH", "auth/me", "me", {member: value}, by=token)
        assert answer.status == (200 if is_shown else 400)
    assert speaker.shows("me", "language") == (speaker.profile.product.name == "Keyhouse")


def test_what_happened_is_in_the_log(speaker: Speaker, admin: User, person: User) -> None:
    speaker.token_of(person)
    events = speaker.send("GET", "audit", "event", by=speaker.token_of(admin)).body
    assert "login:succeeded" in [each["event"] for each in events]
