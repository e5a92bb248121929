"""What a profile or an organization wants a second factor for is withheld from people without one."""

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from access.principals import Caller
from accounts.models import Organization
from accounts.organizations.changes import OrganizationChanges
from accounts.organizations.services import update_organization
from accounts.second_factor.services import remove_second_factors
from audit.models import Event
from config import profiles
from config.profiles import Capability, Profile, ProfileError, parse
from tests.accounts.authenticator import App, enrolled, logged_in
from tests.accounts.helpers import serving
from tests.config.profile_texts import DIALECT
from tests.conftest import PASSWORD, Cast, as_user, assert_problem, make_key, with_key

KEY = {"name": "a key", "scopes": ["services:read"]}
SERVICES = {"X-Original-Method": "GET", "X-Original-URI": "/services/stock"}
KEYS = (Capability.MANAGE_OWN_KEYS, Capability.MANAGE_KEYS)


@pytest.fixture
def strict_about_keys() -> Iterator[None]:
    with serving("login", second_factor_for=KEYS):
        yield


@pytest.fixture
def strict_acme(cast: Cast, operator: Caller) -> Organization:
    changes = OrganizationChanges(requires_second_factor=True)
    return update_organization(caller=operator, organization=cast.acme, changes=changes)


def test_netrecon_wants_a_second_factor_of_people_who_manage_keys() -> None:
    assert set(profiles.load("netrecon").login.second_factor_for) == set(KEYS)


def test_a_profile_names_existing_capabilities_once() -> None:
    for value, reason in (('["manage_own_keys", "manage_own_keys"]', "twice"), ('["fly"]', "fly")):
        with pytest.raises(ProfileError, match=reason):
            parse(DIALECT.replace("[login]", f"[login]\nsecond_factor_for = {value}"), source="x")


def test_without_one_the_refusal_says_what_to_do(cast: Cast, strict_about_keys: None) -> None:
    for user in (cast.alice, cast.ada):
        problem = assert_problem(as_user(user).post("api-keys", KEY), 403, "second_factor_required")
        assert "auth/totp" in problem["detail"] and "totp_code" in problem["detail"]
    event = Event.objects.filter(name="access:denied").latest("sequence")
    assert event.detail["code"] == "second_factor_required"


def test_people_who_could_not_do_it_with_one_either_are_told_so(cast: Cast, strict_about_keys: None) -> None:
    assert_problem(as_user(cast.audrey).post("api-keys", KEY), 403, "not_allowed")
    assert_problem(as_user(cast.alice).post("organizations", {"name": "x"}), 403, "not_allowed")


def test_with_one_it_is_as_the_role_says_and_stays_so(cast: Cast, strict_about_keys: None) -> None:
    api = logged_in(cast.alice, enrolled(cast.alice))
    assert api.post("api-keys", KEY).status_code == 201
    made = api.post("api-keys", {**KEY, "organization": str(cast.acme.uuid)})
    assert made.status_code == 201
    assert api.delete(f"api-keys/{made.json()['id']}").status_code == 204


def test_the_login_in_which_it_is_added_need_not_be_repeated(cast: Cast, strict_about_keys: None) -> None:
    api = as_user(cast.alice)
    app = App(api.post("auth/totp", {"password": PASSWORD}).json()["secret"], [])
    assert_problem(api.post("api-keys", KEY), 403, "second_factor_required")
    assert api.post("auth/totp/confirm", {"code": app.code()}).status_code == 200
    assert api.post("api-keys", KEY).status_code == 201


def test_what_was_proven_ends_when_it_is_removed(
    cast: Cast, strict_about_keys: None, operator: Caller
) -> None:
    api = logged_in(cast.alice, enrolled(cast.alice))
    remove_second_factors(caller=operator, selected=[cast.alice])
    assert_problem(api.post("api-keys", KEY), 403, "second_factor_required")


def test_keys_are_not_people(cast: Cast, strict_about_keys: None, strict_acme: Organization) -> None:
    for key in (make_key(cast.alice, "keys:write"), make_key(cast.acme, "keys:write")):
        assert with_key(key).post("api-keys", {"name": "another"}).status_code == 201


def test_nobody_hands_out_what_is_withheld_from_them(cast: Cast, strict_about_keys: None) -> None:
    ada = as_user(cast.ada)
    body = {"email": "new@example.org", "password": PASSWORD, "role": "member"}
    assert_problem(ada.post("users", body), 403, "second_factor_required")
    assert_problem(ada.patch(f"users/{cast.bob.uuid}", {"name": "x"}), 403, "second_factor_required")
    assert logged_in(cast.ada, enrolled(cast.ada)).post("users", body).status_code == 201


def test_no_key_is_made_that_could_do_what_is_withheld_from_its_maker(cast: Cast) -> None:
    with serving("login", second_factor_for=(Capability.MANAGE_USERS,)):
        ada = as_user(cast.ada)
        assert ada.post("api-keys", KEY).status_code == 201
        body = {"name": "wide", "scopes": ["users:write"]}
        assert_problem(ada.post("api-keys", body), 403, "second_factor_required")


def test_a_superuser_is_a_person_too(cast: Cast, strict_about_keys: None, operator: Caller) -> None:
    cast.ada.is_superuser = True
    cast.ada.save()
    assert_problem(as_user(cast.ada).post("api-keys", KEY), 403, "second_factor_required")
    assert make_key(cast.ada, "services:read", caller=operator).text


def test_an_organization_can_want_one_for_all_that_roles_in_it_give(
    cast: Cast, strict_acme: Organization
) -> None:
    alice = as_user(cast.alice)
    assert_problem(alice.get("organizations"), 403, "second_factor_required")
    assert_problem(alice.get("/gateway/check", headers=SERVICES | WRITE), 403, "second_factor_required")
    assert alice.get("/gateway/check", headers=SERVICES).status_code == 200  # by the global role
    assert as_user(cast.charlie).get("organizations").status_code == 200
    proven = logged_in(cast.alice, enrolled(cast.alice))
    assert proven.get("/gateway/check", headers=SERVICES | WRITE).status_code == 200
    assert proven.get("organizations").json()["results"][0]["requires_second_factor"] is True


WRITE = {"X-Original-Method": "POST"}


def test_a_route_that_wants_a_role_there_does_not_open_either(cast: Cast, strict_acme: Organization) -> None:
    file = profiles.active().file
    route = replace(file.routes[1], path="/owners", scopes=(), roles=("owner",))
    with profiles.override(Profile("test", replace(file, routes=(route,)))):
        owners = {"X-Original-Method": "GET", "X-Original-URI": "/owners"}
        answer = as_user(cast.alice).get("/gateway/check", headers=owners)
        assert_problem(answer, 403, "second_factor_required")
        proven = logged_in(cast.alice, enrolled(cast.alice))
        assert proven.get("/gateway/check", headers=owners).status_code == 200


def test_managers_of_an_organization_decide_whether_it_wants_one(cast: Cast) -> None:
    path, change = f"organizations/{cast.acme.uuid}", {"requires_second_factor": True}
    answer = as_user(cast.ada).patch(path, change)
    assert (answer.status_code, answer.json()["requires_second_factor"]) == (200, True)
    assert Event.objects.latest("sequence").detail == {"requires_second_factor": {"from": False, "to": True}}
    assert_problem(as_user(cast.audrey).patch(path, change), 403, "not_allowed")
    for value in ("yes", 1, None):
        bad = {"requires_second_factor": value}
        assert_problem(as_user(cast.ada).patch(path, bad), 400, "invalid", "requires_second_factor")


def test_a_change_that_changes_nothing_is_no_event(cast: Cast) -> None:
    before = Event.objects.filter(name="organization:changed").count()
    ada = as_user(cast.ada)
    for change in ({}, {"name": "Acme"}, {"requires_second_factor": False}):
        assert ada.patch(f"organizations/{cast.acme.uuid}", change).status_code == 200
    assert Event.objects.filter(name="organization:changed").count() == before
