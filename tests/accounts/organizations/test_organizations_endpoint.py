"""organizations and organizations/{id}/members over the API."""

from typing import Any
from uuid import uuid4

import pytest

from access.principals import Caller
from accounts.models import Membership, Organization, User
from accounts.organizations.changes import OrganizationChanges
from accounts.organizations.services import (
    add_member,
    create_organization,
    delete_organization,
    remove_member,
    update_organization,
)
from apikeys.models import ApiKey
from apikeys.services.api_keys import create_api_key
from apikeys.services.revocation import revoke_api_keys
from audit.models import Event
from config import profiles
from config.wire.errors import Conflict, NotFound
from config.wire.fields import timestamp
from tests.accounts.helpers import at_once
from tests.conftest import Cast, add_user, as_user, assert_problem, make_key, with_key

GATEWAY = {"X-Original-Method": "GET", "X-Original-URI": "/services/stock/items"}


def path(organization: Organization) -> str:
    return f"organizations/{organization.uuid}"


def test_an_organization_is_made_seen_renamed_and_deleted(cast: Cast) -> None:
    ada = as_user(cast.ada)
    made = ada.post("organizations", {"name": " Initech "})
    assert made.status_code == 201, made.content
    shown = made.json()
    assert list(shown) == ["id", "name", "requires_second_factor", "created_at"]
    address = f"organizations/{shown['id']}"
    assert ada.get(address).json() == shown
    assert ada.patch(address, {"name": "Initrode"}).json() == {**shown, "name": "Initrode"}
    assert [each["name"] for each in ada.get("organizations").json()["results"]] == [
        *("Initrode", "Umbrella", "Acme")
    ]
    assert [each["name"] for each in ada.get("organizations?search=INI").json()["results"]] == ["Initrode"]
    answer = ada.delete(address)
    assert (answer.status_code, answer.content) == (204, b"")
    assert_problem(ada.get(address), 404, "not_found")
    names = Event.objects.order_by("-sequence").values_list("name", flat=True)[:3]
    assert list(names) == ["organization:deleted", "organization:changed", "organization:created"]


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 101, None, 7, ["x"]])
def test_a_wrong_name_is_400_and_named(cast: Cast, name: object) -> None:
    ada = as_user(cast.ada)
    assert_problem(ada.post("organizations", {"name": name}), 400, "invalid", "name")
    assert_problem(ada.patch(path(cast.acme), {"name": name}), 400, "invalid", "name")


def test_a_name_that_is_taken_is_409(cast: Cast) -> None:
    ada = as_user(cast.ada)
    assert_problem(ada.post("organizations", {"name": "ACME"}), 409, "conflict", "name")
    assert_problem(ada.patch(path(cast.umbrella), {"name": "acme"}), 409, "conflict", "name")


def test_an_organization_with_keys_that_are_not_revoked_stays(cast: Cast, operator: Caller) -> None:
    ada, key = as_user(cast.ada), make_key(cast.acme, "services:read")
    problem = assert_problem(ada.delete(path(cast.acme)), 409, "conflict")
    assert "API keys that are not revoked" in problem["detail"]
    assert with_key(key).get("/gateway/check", headers=GATEWAY).status_code == 200
    revoke_api_keys(caller=operator, selected=[key.row])
    assert ada.delete(path(cast.acme)).status_code == 204
    assert not ApiKey.objects.exists()


def test_a_deleted_organization_leaves_its_people_without_what_they_could_do_there(cast: Cast) -> None:
    alice = as_user(cast.alice)
    assert alice.get("audit").status_code == 200
    assert as_user(cast.ada).delete(path(cast.acme)).status_code == 204
    assert_problem(alice.get("audit"), 403, "not_allowed")
    assert alice.get("auth/me").json()["organizations"] == []
    event = Event.objects.get(name="organization:deleted")
    assert (event.target_label, event.detail) == ("Acme", {"members": 2})


@pytest.mark.requirement(50)
def test_an_organization_with_a_member_who_may_do_more_is_not_deleted(cast: Cast) -> None:
    manager = with_key(make_key(cast.ada, "organizations:write"))
    assert_problem(manager.delete(path(cast.acme)), 403, "not_allowed")
    assert Organization.objects.filter(pk=cast.acme.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_an_organization_and_its_first_key_at_the_same_moment_are_both_there_or_neither(
    operator: Caller,
) -> None:
    def race(number: int) -> str:
        try:
            if number:
                create_api_key(caller=operator, name="k", owner=organization)
            else:
                delete_organization(caller=operator, organization=organization)
        except (Conflict, NotFound):
            return "refused"
        return "done"

    for attempt in range(5):
        organization = create_organization(caller=operator, name=f"org {attempt}")
        outcomes = at_once(race, times=2)
        assert sorted(outcomes) == ["done", "refused"]
        there = Organization.objects.filter(pk=organization.pk).exists()
        assert there == ApiKey.objects.filter(organization_id=organization.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_nobody_becomes_a_member_of_what_is_deleted_at_that_moment(operator: Caller) -> None:
    user = add_user("dora")

    def race(number: int) -> str:
        try:
            if number:
                add_member(caller=operator, organization=organization, user=user, role="developer")
            else:
                delete_organization(caller=operator, organization=organization)
        except NotFound:
            return "gone"
        return "done"

    for attempt in range(5):
        organization = create_organization(caller=operator, name=f"org {attempt}")
        assert at_once(race, times=2)[0] == "done"
    assert not Membership.objects.exists()


def test_what_vanished_before_the_change_is_404(cast: Cast, operator: Caller) -> None:
    delete_organization(caller=operator, organization=cast.acme)
    with pytest.raises(NotFound):
        delete_organization(caller=operator, organization=cast.acme)
    with pytest.raises(NotFound):
        update_organization(caller=operator, organization=cast.acme, changes=OrganizationChanges(name="x"))


# Members


def test_members_from_before_it_was_stored_joined_at_an_unknown_time(cast: Cast) -> None:
    Membership.objects.filter(user=cast.bob).update(joined_at=None)
    shown = as_user(cast.ada).get(f"{path(cast.acme)}/members/{cast.bob.uuid}").json()
    assert shown["joined_at"] is None


@pytest.mark.parametrize("product", [name for name in profiles.shipped_names() if name != "keyhouse"])
def test_the_profiles_of_products_show_the_members_that_they_did(product: str) -> None:
    shown = profiles.load(product).wire.members["member"]
    assert shown == ("id", "username", "email", "name", "role")


def test_members_are_added_seen_given_another_role_and_removed(cast: Cast) -> None:
    ada, members = as_user(cast.ada), f"{path(cast.acme)}/members"
    made = ada.post(members, {"user": str(cast.mallory.uuid), "role": "developer"})
    assert made.status_code == 201, made.content
    shown = made.json()
    assert list(shown) == ["id", "username", "email", "name", "role", "joined_at"]
    joined = Membership.objects.get(user=cast.mallory).joined_at
    assert joined is not None and shown["joined_at"] == timestamp(joined)
    assert (shown["id"], shown["role"]) == (str(cast.mallory.uuid), "developer")
    found = ada.get(members).json()["results"]
    assert [(each["username"], each["role"]) for each in found] == [
        *(("mallory", "developer"), ("bob", "developer"), ("alice", "owner"))
    ]
    one = f"{members}/{shown['id']}"
    assert ada.get(one).json() == shown
    assert ada.patch(one, {"role": "owner"}).json() == {**shown, "role": "owner"}
    assert ada.delete(one).status_code == 204
    for method in (ada.get, ada.delete):
        assert_problem(method(one), 404, "not_found")
    assert User.objects.filter(pk=cast.mallory.pk).exists()


@pytest.mark.parametrize(
    ("body", "member"),
    [
        ({"role": "developer"}, "user"),
        ({"user": "x", "role": "developer"}, "user"),
        ({"user": str(uuid4()), "role": "developer"}, "user"),
        ({"user": 1, "role": "developer"}, "user"),
        ({"user": "mallory"}, "role"),
        ({"user": "mallory", "role": "admin"}, "role"),
        ({"user": "mallory", "role": None}, "role"),
        ({"user": "mallory", "role": "developer", "organization": "x"}, "organization"),
    ],
)
def test_a_wrong_member_of_a_request_is_400_and_named(cast: Cast, body: dict[str, Any], member: str) -> None:
    sent = body | ({"user": str(cast.mallory.uuid)} if body.get("user") == "mallory" else {})
    answer = as_user(cast.ada).post(f"{path(cast.acme)}/members", sent)
    assert_problem(answer, 400, "invalid", member)


def test_a_member_is_one_once(cast: Cast) -> None:
    body = {"user": str(cast.bob.uuid), "role": "owner"}
    assert_problem(as_user(cast.ada).post(f"{path(cast.acme)}/members", body), 409, "conflict", "user")
    assert Membership.objects.get(user=cast.bob).role == "developer"


@pytest.mark.requirement(33)
def test_a_role_in_an_organization_holds_on_the_next_request(cast: Cast) -> None:
    ada, bob = as_user(cast.ada), as_user(cast.bob)
    member = f"{path(cast.acme)}/members/{cast.bob.uuid}"
    assert_problem(bob.get(path(cast.acme)), 403, "not_allowed")
    ada.patch(member, {"role": "owner"})
    assert bob.get(path(cast.acme)).status_code == 200
    ada.delete(member)
    assert_problem(bob.get(path(cast.acme)), 403, "not_allowed")


@pytest.mark.requirement(46)
def test_an_owner_sees_their_organization_and_no_other(cast: Cast) -> None:
    alice = as_user(cast.alice)
    assert [each["name"] for each in alice.get("organizations").json()["results"]] == ["Acme"]
    assert alice.get(f"{path(cast.acme)}/members/{cast.bob.uuid}").status_code == 200
    for other in (path(cast.umbrella), f"{path(cast.umbrella)}/members"):
        assert_problem(alice.get(other), 404, "not_found")
        assert (
            alice.get(other).content
            == alice.get(other.replace(str(cast.umbrella.uuid), str(uuid4()))).content
        )
    elsewhere = f"{path(cast.acme)}/members/{cast.charlie.uuid}"
    assert_problem(alice.get(elsewhere), 404, "not_found")


@pytest.mark.requirement(46)
def test_a_program_of_an_organization_sees_that_and_its_people(cast: Cast, operator: Caller) -> None:
    program = with_key(make_key(cast.acme, "users:read", "organizations:read"))
    assert [each["name"] for each in program.get("organizations").json()["results"]] == ["Acme"]
    assert {each["username"] for each in program.get("users").json()["results"]} == {"alice", "bob"}
    assert_problem(program.get(path(cast.umbrella)), 404, "not_found")
    assert_problem(program.get(f"users/{cast.charlie.uuid}"), 404, "not_found")


@pytest.mark.requirement(46)
def test_who_manages_an_organization_adds_only_people_whom_they_may_see(cast: Cast) -> None:
    program = with_key(
        make_key(cast.acme, "users:read", "organizations:write", "services:write", "keys:write")
    )
    for stranger in (str(cast.charlie.uuid), str(uuid4())):
        body = {"user": stranger, "role": "developer"}
        problem = assert_problem(program.post(f"{path(cast.acme)}/members", body), 400, "invalid", "user")
        assert stranger not in problem["detail"]
    assert_problem(program.post("organizations", {"name": "Evil"}), 403)
    assert_problem(program.patch(path(cast.umbrella), {"name": "Evil"}), 404)


@pytest.mark.requirement(50)
def test_nobody_gives_or_takes_a_role_above_their_own(cast: Cast) -> None:
    manager = with_key(make_key(cast.ada, "organizations:write", "users:read"))
    members = f"{path(cast.acme)}/members"
    body = {"user": str(cast.mallory.uuid), "role": "owner"}
    assert_problem(manager.post(members, body), 403, "not_allowed")
    assert_problem(manager.patch(f"{members}/{cast.alice.uuid}", {"role": "developer"}), 403, "not_allowed")
    assert_problem(manager.delete(f"{members}/{cast.alice.uuid}"), 403, "not_allowed")
    assert Membership.objects.get(user=cast.alice).role == "owner"


@pytest.mark.requirement(54)
def test_lists_are_capped_and_cost_the_same_queries_however_long(
    cast: Cast, operator: Caller, django_assert_num_queries: Any
) -> None:
    ada = as_user(cast.ada)
    for number in range(3):
        add_user(f"user{number}", memberships=[(cast.acme, "developer")])
        create_organization(caller=operator, name=f"org {number}")
        for address, queries in (("organizations", 2), (f"{path(cast.acme)}/members", 3)):
            with django_assert_num_queries(queries):
                assert len(ada.get(address).json()["results"]) == number + 3
    page = ada.get(f"{path(cast.acme)}/members?page_size=2").json()
    assert len(page["results"]) == 2 and page["next"]
    assert_problem(ada.get("organizations?page_size=x"), 400, "invalid", "page_size")
    remove_member(caller=operator, membership=Membership.objects.get(user=cast.bob))


@pytest.mark.parametrize("text", ["1", "-1", "x", "%00", "%20", "9" * 30, "\u0661"])
@pytest.mark.requirement(95)
def test_a_malformed_id_is_404(cast: Cast, text: str) -> None:
    ada = as_user(cast.ada)
    for address in (
        f"organizations/{text}",
        f"organizations/{text}/members",
        f"{path(cast.acme)}/members/{text}",
        f"users/{text}",
    ):
        assert_problem(ada.get(address), 404, "not_found")
