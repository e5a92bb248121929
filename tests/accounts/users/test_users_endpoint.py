"""users: list, search, add, change and delete people over the API."""

from typing import Any

import pytest
from django.contrib.auth.hashers import check_password

from access.principals import Caller
from accounts.models import User
from accounts.organizations.services import add_member
from accounts.users.changes import UserChanges
from accounts.users.services import update_user
from audit.models import Event
from config import profiles
from config.wire.errors import Conflict
from tests.accounts.helpers import at_once, serving
from tests.conftest import PASSWORD, Api, Cast, add_user, as_user, assert_problem, log_in, make_key, with_key

SCOPES = list(profiles.active().scopes)
OTHER = "another walk to another lighthouse"
GATEWAY = {"X-Original-Method": "GET", "X-Original-URI": "/services/stock/items"}
NEW = {"username": "dora", "email": "dora@example.org", "password": PASSWORD, "role": "member"}
MEMBERS = ["id", "username", "email", "name", "role", "is_active", "created_at"]


def path(user: User) -> str:
    return f"users/{user.uuid}"


def names(api: Api, query: str = "") -> set[str]:
    answer = api.get(f"users{query}")
    assert answer.status_code == 200, answer.content
    return {user["username"] for user in answer.json()["results"]}


def test_a_person_is_added_and_shown_without_the_password(cast: Cast) -> None:
    ada = as_user(cast.ada)
    made = ada.post("users", {**NEW, "name": "Dora Maar"})
    assert made.status_code == 201, made.content
    shown = made.json()
    assert list(shown) == MEMBERS
    assert (shown["name"], shown["role"], shown["is_active"]) == ("Dora Maar", "member", True)
    assert shown["created_at"].endswith("Z")
    assert ada.get(f"users/{shown['id']}").json() == shown
    assert log_in(User.objects.get(username="dora"))


def test_the_user_name_and_the_name_may_be_missing(cast: Cast) -> None:
    body = {"email": "dora@example.org", "password": PASSWORD, "role": "member"}
    shown = as_user(cast.ada).post("users", body).json()
    assert (shown["username"], shown["name"]) == (None, "")


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"password": "short"}, "password"),
        ({"password": "dora dora dora dora"}, "password"),
        ({"password": 123456789012345}, "password"),
        ({"password": "x" * 1025}, "password"),
        ({"email": "nonsense"}, "email"),
        ({"email": None}, "email"),
        ({"username": "a b"}, "username"),
        ({"username": ""}, "username"),
        ({"role": "emperor"}, "role"),
        ({"role": "owner"}, "role"),
        ({"name": "a\nb"}, "name"),
    ],
)
def test_a_wrong_member_is_400_and_named(cast: Cast, members: dict[str, Any], named: str) -> None:
    before = User.objects.count(), Event.objects.count()
    ada = as_user(cast.ada)
    assert_problem(ada.post("users", {**NEW, **members}), 400, "invalid", named)
    assert_problem(ada.patch(path(cast.bob), members), 400, "invalid", named)
    assert (User.objects.count(), Event.objects.count()) == (before[0], before[1] + 1)  # the login


@pytest.mark.parametrize("missing", ["email", "password", "role"])
def test_a_missing_member_is_400_and_named(cast: Cast, missing: str) -> None:
    body = {name: value for name, value in NEW.items() if name != missing}
    assert_problem(as_user(cast.ada).post("users", body), 400, "invalid", missing)


@pytest.mark.parametrize(
    "extra", ["is_superuser", "is_staff", "organization", "organizations", "id", "uuid", "created_at", "x"]
)
@pytest.mark.requirement(48)
def test_a_member_that_is_not_for_clients_is_400(cast: Cast, extra: str) -> None:
    ada, organization = as_user(cast.ada), {"name": "Initech"}
    assert_problem(ada.post("users", {**NEW, extra: True}), 400, "invalid", extra)
    assert_problem(ada.patch(path(cast.bob), {extra: True}), 400, "invalid", extra)
    assert_problem(ada.post("organizations", {**organization, extra: True}), 400, "invalid", extra)
    assert_problem(as_user(cast.bob).patch("auth/me", {"name": "B", extra: True}), 400, "invalid", extra)
    assert not User.objects.filter(is_superuser=True).exists()


@pytest.mark.requirement(48)
def test_nobody_changes_their_own_role_through_me(cast: Cast) -> None:
    for member in ("role", "email", "username", "is_active", "password"):
        body = {"name": "Bob", member: "admin"}
        assert_problem(as_user(cast.bob).patch("auth/me", body), 400, "invalid", member)
    assert User.objects.get(pk=cast.bob.pk).role == "member"


@pytest.mark.requirement(52)
def test_a_name_or_address_that_is_taken_in_disguise_is_409(cast: Cast) -> None:
    ada = as_user(cast.ada)
    for member, taken in (("username", "ＡLICE"), ("email", "ALICE@example.org")):  # noqa: RUF001
        assert_problem(ada.post("users", {**NEW, member: taken}), 409, "conflict", member)
        assert_problem(ada.patch(path(cast.bob), {member: taken}), 409, "conflict", member)
    assert User.objects.get(pk=cast.bob.pk).username == "bob"


@pytest.mark.requirement(52)
def test_a_changed_name_is_folded_anew_and_the_old_one_is_free(cast: Cast) -> None:
    ada = as_user(cast.ada)
    body = {"username": "Robert", "email": "Robert@Example.org", "name": "Robert"}
    shown = ada.patch(path(cast.bob), body).json()
    assert (shown["username"], shown["email"], shown["name"]) == ("Robert", "Robert@Example.org", "Robert")
    assert_problem(ada.post("users", {**NEW, "username": "ROBERT"}), 409, "conflict", "username")
    assert ada.post("users", {**NEW, "username": "bob", "email": "bob@example.org"}).status_code == 201
    assert Event.objects.get(name="user:changed").detail == {"members": ["email", "name", "username"]}


@pytest.mark.django_db(transaction=True)
@pytest.mark.requirement(52)
def test_when_six_people_get_the_same_address_at_once_one_keeps_it(operator: Caller) -> None:
    people = [add_user(f"user{number}") for number in range(6)]

    def rename(number: int) -> bool:
        try:
            update_user(caller=operator, user=people[number], changes=UserChanges(email="one@example.org"))
        except Conflict:
            return False
        return True

    assert sorted(at_once(rename, times=6)) == [False] * 5 + [True]


def test_an_empty_change_changes_nothing_and_records_nothing(cast: Cast) -> None:
    ada = as_user(cast.ada)
    before = Event.objects.count()
    same = {"username": "bob", "email": "bob@example.org", "role": "member", "is_active": True}
    for body in ({}, same):
        assert ada.patch(path(cast.bob), body).json()["username"] == "bob"
    assert Event.objects.count() == before


@pytest.mark.requirement(38)
def test_a_new_password_from_an_administrator_ends_the_sessions(cast: Cast) -> None:
    ada, bob = as_user(cast.ada), as_user(cast.bob)
    assert ada.patch(path(cast.bob), {"password": OTHER}).status_code == 200
    assert_problem(bob.get("auth/me"), 401, "invalid_token")
    assert check_password(OTHER, User.objects.get(pk=cast.bob.pk).password)
    assert Event.objects.latest("sequence").name == "password:changed"


@pytest.mark.parametrize("body", [{"password": OTHER}, {"email": "new@example.org"}])
@pytest.mark.requirement(7)
def test_ones_own_password_and_address_are_not_changed_here(cast: Cast, body: dict[str, str]) -> None:
    assert_problem(as_user(cast.ada).patch(path(cast.ada), body), 400, "invalid", next(iter(body)))
    program = with_key(make_key(cast.ada, *SCOPES))
    assert_problem(program.patch(path(cast.ada), body), 403, "not_allowed")
    assert log_in(cast.ada)


@pytest.mark.requirement(33)
def test_a_role_given_over_the_api_holds_on_the_next_request(cast: Cast) -> None:
    ada, bob = as_user(cast.ada), as_user(cast.bob)
    assert_problem(bob.get("users"), 403, "not_allowed")
    assert ada.patch(path(cast.bob), {"role": "auditor"}).json()["role"] == "auditor"
    assert bob.get("users").status_code == 200
    ada.patch(path(cast.bob), {"role": "member"})
    assert_problem(bob.get("users"), 403, "not_allowed")


@pytest.mark.requirement(37)
def test_a_person_deactivated_over_the_api_is_out_and_stays_logged_out(cast: Cast) -> None:
    ada, key = as_user(cast.ada), make_key(cast.bob, "services:write")
    pair = log_in(cast.bob)
    bob = Api({"Authorization": f"Bearer {pair['access_token']}"})
    assert ada.patch(path(cast.bob), {"is_active": False}).json()["is_active"] is False
    for api in (bob, with_key(key)):
        assert_problem(api.get("auth/me"), 401, "invalid_token")
    assert ada.patch(path(cast.bob), {"is_active": True}).status_code == 200
    assert_problem(bob.get("auth/me"), 401, "invalid_token")
    assert_problem(Api().post("auth/refresh", {"refresh_token": pair["refresh_token"]}), 401)
    assert with_key(key).get("auth/me").status_code == 200


@pytest.mark.requirement(50)
def test_managers_of_people_cannot_change_people_who_may_do_more(cast: Cast) -> None:
    manager = with_key(make_key(cast.ada, "users:write"))
    for above in (cast.audrey, cast.alice):
        for body in ({"name": "x"}, {"role": "member"}, {"is_active": False}, {"password": OTHER}):
            assert_problem(manager.patch(path(above), body), 403, "not_allowed")
        assert_problem(manager.delete(path(above)), 403, "not_allowed")
    assert_problem(manager.post("users", NEW), 403, "not_allowed")
    assert User.objects.count() == 6


@pytest.mark.requirement(46)
def test_an_auditor_within_an_organization_sees_its_members_only(cast: Cast, operator: Caller) -> None:
    add_member(caller=operator, organization=cast.umbrella, user=cast.bob, role="developer")
    alice, charlie = as_user(cast.alice), as_user(cast.charlie)
    assert names(alice) == {"alice", "bob"}
    assert names(charlie) == {"charlie", "bob"}
    assert names(as_user(cast.audrey)) == {"ada", "audrey", "alice", "bob", "charlie", "mallory"}
    assert_problem(alice.get(path(cast.charlie)), 404, "not_found")
    assert alice.get(path(cast.charlie)).content == alice.get(f"users/{cast.acme.uuid}").content
    assert_problem(alice.patch(path(cast.bob), {"name": "x"}), 403, "not_allowed")


@pytest.mark.requirement(49)
def test_no_answer_about_people_contains_a_hash(cast: Cast) -> None:
    ada = as_user(cast.ada)
    answers = [
        ada.get("users"),
        ada.get(path(cast.bob)),
        ada.post("users", NEW),
        ada.patch(path(cast.bob), {"password": OTHER}),
        ada.get("organizations"),
        ada.get(f"organizations/{cast.acme.uuid}/members"),
        ada.get("auth/sessions"),
        ada.get("audit"),
    ]
    for answer in answers:
        assert answer.status_code < 300, answer.content
        for secret in ("argon2", "digest", "_key", PASSWORD, OTHER, cast.bob.password):
            assert secret not in answer.content.decode(), secret


def test_where_people_log_in_by_user_name_alone_nobody_is_without_one(cast: Cast) -> None:
    ada = as_user(cast.ada)
    body = {"email": "dora@example.org", "password": PASSWORD, "role": "member"}
    with serving("login", identifiers=("username",)):
        assert_problem(ada.post("users", body), 400, "invalid", "username")
        assert_problem(ada.patch(path(cast.bob), {"username": None}), 400, "invalid", "username")
    assert ada.patch(path(cast.bob), {"username": None}).json()["username"] is None
