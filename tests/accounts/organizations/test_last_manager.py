"""Somebody in an organization stays able to manage it, unless an administrator decides otherwise."""

import pytest

from access.principals import Caller
from accounts.models import Membership, User
from accounts.organizations.services import change_member_role, remove_member
from accounts.users.changes import UserChanges
from accounts.users.services import update_user
from audit.models import Event
from config.wire.errors import Conflict
from tests.accounts.helpers import caller_as, rows_are_locked, waiting
from tests.conftest import Cast, as_user, assert_problem

ALONE = "nobody else may manage Acme; first give somebody else a role that lets them"


def membership_of(user: User) -> Membership:
    return Membership.objects.select_related("user", "organization").get(user=user)


def member_path(cast: Cast, user: User) -> str:
    return f"organizations/{cast.acme.uuid}/members/{user.uuid}"


def test_the_last_owner_neither_leaves_nor_takes_a_lesser_role(strong_owners: None, cast: Cast) -> None:
    api, alice = as_user(cast.alice), member_path(cast, cast.alice)
    problem = assert_problem(api.delete(alice), 409, "conflict", "user")
    assert problem["errors"] == [{"member": "user", "detail": ALONE}]
    assert_problem(api.patch(alice, {"role": "developer"}), 409, "conflict", "role")
    assert membership_of(cast.alice).role == "owner"
    assert not Event.objects.filter(name__in=("member:removed", "role:changed")).exists()


def test_an_owner_leaves_once_another_has_the_role(strong_owners: None, cast: Cast) -> None:
    api = as_user(cast.alice)
    assert api.patch(member_path(cast, cast.alice), {"role": "owner"}).status_code == 200  # the same role
    assert api.patch(member_path(cast, cast.bob), {"role": "owner"}).status_code == 200
    assert api.delete(member_path(cast, cast.alice)).status_code == 204
    assert_problem(as_user(cast.bob).delete(member_path(cast, cast.bob)), 409, "conflict")


def test_a_deactivated_owner_does_not_count(strong_owners: None, cast: Cast, operator: Caller) -> None:
    change_member_role(caller=operator, membership=membership_of(cast.bob), role="owner")
    update_user(caller=operator, user=cast.bob, changes=UserChanges(is_active=False))
    assert_problem(as_user(cast.alice).delete(member_path(cast, cast.alice)), 409, "conflict")


def test_an_administrator_removes_the_last_owner(strong_owners: None, cast: Cast) -> None:
    assert as_user(cast.ada).delete(member_path(cast, cast.alice)).status_code == 204


def test_a_member_who_manages_nothing_is_removed_as_before(strong_owners: None, cast: Cast) -> None:
    assert as_user(cast.alice).delete(member_path(cast, cast.bob)).status_code == 204


@rows_are_locked
@pytest.mark.django_db(transaction=True)
def test_two_owners_who_remove_each_other_at_once_leave_one(
    strong_owners: None, cast: Cast, operator: Caller
) -> None:
    change_member_role(caller=operator, membership=membership_of(cast.bob), role="owner")
    alice, bob = caller_as(cast.alice), caller_as(cast.bob)
    of_alice, of_bob = membership_of(cast.alice), membership_of(cast.bob)
    with (
        pytest.raises(Conflict, match="nobody else may manage Acme"),
        waiting(
            lambda: remove_member(caller=alice, membership=of_bob),
            holding=lambda: remove_member(caller=bob, membership=of_alice),
        ),
    ):
        pass
    assert list(Membership.objects.filter(organization=cast.acme).values_list("user", "role")) == [
        (cast.bob.pk, "owner")
    ]
