"""Nobody gains power or changes people above them, and one administrator always remains."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from access.principals import Caller
from accounts.models import Membership, Organization, User
from accounts.organizations.services import add_member, change_member_role, create_organization, remove_member
from accounts.users.changes import UserChanges
from accounts.users.services import create_user, set_password, update_user
from config.wire.errors import Conflict, NotAllowed
from tests.accounts.helpers import at_once, caller_as
from tests.conftest import PASSWORD, Cast, add_user

NEW: dict[str, Any] = {"username": "dora", "email": "dora@example.org", "password": PASSWORD}
OTHER = "another walk to another lighthouse"


@pytest.fixture
def manager(cast: Cast) -> Caller:
    """A person who may manage people and organizations, and nothing else."""
    whole = caller_as(cast.ada)
    scopes = frozenset({"users:write", "organizations:write"})
    return replace(whole, principal=whole.principal.narrowed(scopes, whole.principal.credential))


def admins() -> list[User]:
    everybody = User.objects.filter(is_active=True)
    return [user for user in everybody if user.is_superuser or user.role == "admin"]


@pytest.mark.parametrize("powers", [{"role": "admin"}, {"role": "auditor"}, {"role": "member"}])
@pytest.mark.requirement(50)
def test_nobody_adds_a_person_who_may_do_more(manager: Caller, powers: dict[str, Any]) -> None:
    with pytest.raises(NotAllowed):
        create_user(caller=manager, **NEW, **powers)
    assert not User.objects.filter(username="dora").exists()


@pytest.mark.requirement(50)
def test_nobody_makes_anybody_a_superuser_without_being_almighty(cast: Cast, manager: Caller) -> None:
    calls: list[Callable[[], object]] = [
        lambda: update_user(caller=manager, user=cast.mallory, changes=UserChanges(is_superuser=True)),
        lambda: create_user(caller=manager, **NEW, role="member", is_superuser=True),
    ]
    for call in calls:
        with pytest.raises(NotAllowed):
            call()
    assert not User.objects.filter(is_superuser=True).exists()


@pytest.mark.parametrize(
    "changes", [{"name": "Eve"}, {"is_active": False}, {"role": "member"}, {"is_superuser": False}]
)
@pytest.mark.requirement(50)
def test_nobody_changes_a_person_who_may_do_more(
    cast: Cast, manager: Caller, changes: dict[str, Any]
) -> None:
    for above in (cast.ada, cast.audrey, cast.alice):
        with pytest.raises(NotAllowed):
            update_user(caller=manager, user=above, changes=UserChanges(**changes))


@pytest.mark.requirement(50)
def test_nobody_gives_a_password_to_a_person_who_may_do_more(cast: Cast, manager: Caller) -> None:
    for above in (cast.ada, cast.audrey, cast.alice):
        with pytest.raises(NotAllowed):
            set_password(caller=manager, user=above, password=OTHER)
        assert User.objects.get(pk=above.pk).password == above.password


@pytest.mark.requirement(50)
def test_nobody_hands_out_or_takes_away_a_higher_role_in_an_organization(cast: Cast, manager: Caller) -> None:
    membership = Membership.objects.get(user=cast.alice)
    calls: list[Callable[[], object]] = [
        lambda: add_member(caller=manager, organization=cast.acme, user=cast.mallory, role="owner"),
        lambda: change_member_role(caller=manager, membership=membership, role="developer"),
        lambda: remove_member(caller=manager, membership=membership),
    ]
    for call in calls:
        with pytest.raises(NotAllowed):
            call()
    assert Membership.objects.get(user=cast.alice).role == "owner"


@pytest.mark.requirement(50)
def test_what_a_form_has_already_put_into_the_membership_hides_nobodys_rank(
    cast: Cast, manager: Caller
) -> None:
    membership = Membership.objects.get(user=cast.alice)
    membership.role = "no role at all"
    with pytest.raises(NotAllowed):
        remove_member(caller=manager, membership=membership)
    assert Membership.objects.filter(user=cast.alice).exists()


@pytest.mark.requirement(46)
def test_who_owns_one_organization_manages_no_other(cast: Cast) -> None:
    charlie = caller_as(cast.charlie)
    membership = Membership.objects.get(user=cast.bob)
    calls: list[Callable[[], object]] = [
        lambda: create_organization(caller=charlie, name="Evil"),
        lambda: add_member(caller=charlie, organization=cast.acme, user=cast.charlie, role="owner"),
        lambda: change_member_role(caller=charlie, membership=membership, role="owner"),
        lambda: remove_member(caller=charlie, membership=membership),
    ]
    for call in calls:
        with pytest.raises(NotAllowed):
            call()
    assert not Organization.objects.filter(name="Evil").exists()


@pytest.mark.parametrize(
    ("changes", "member"),
    [({"role": "member"}, "role"), ({"role": "auditor"}, "role"), ({"is_active": False}, "is_active")],
)
@pytest.mark.requirement(51)
def test_the_last_admin_stays(cast: Cast, operator: Caller, changes: dict[str, Any], member: str) -> None:
    for caller in (operator, caller_as(cast.ada)):
        with pytest.raises(Conflict) as caught:
            update_user(caller=caller, user=cast.ada, changes=UserChanges(**changes))
        assert list(caught.value.errors) == [member]
    assert admins() == [cast.ada]


@pytest.mark.requirement(51)
def test_the_last_superuser_stays_one_if_nobody_else_may_do_everything(cast: Cast, operator: Caller) -> None:
    update_user(caller=operator, user=cast.mallory, changes=UserChanges(is_superuser=True))
    update_user(caller=operator, user=cast.ada, changes=UserChanges(role="member"))
    with pytest.raises(Conflict) as caught:
        update_user(caller=operator, user=cast.mallory, changes=UserChanges(is_superuser=False))
    assert list(caught.value.errors) == ["is_superuser"]
    update_user(caller=operator, user=cast.mallory, changes=UserChanges(is_superuser=False, role="admin"))
    assert admins() == [cast.mallory]


@pytest.mark.requirement(51)
def test_an_inactive_admin_does_not_count(cast: Cast, operator: Caller) -> None:
    eve = add_user("eve", "admin")
    update_user(caller=operator, user=eve, changes=UserChanges(is_active=False))
    with pytest.raises(Conflict):
        update_user(caller=operator, user=cast.ada, changes=UserChanges(role="member"))


@pytest.mark.requirement(51)
def test_an_admin_who_is_not_the_last_may_go(cast: Cast, operator: Caller) -> None:
    add_user("eve", "admin")
    update_user(caller=operator, user=cast.ada, changes=UserChanges(role="member"))
    assert [user.username for user in admins()] == ["eve"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("changes", [{"role": "member"}, {"is_active": False}])
@pytest.mark.requirement(51)
def test_one_admin_is_left_however_many_are_removed_at_once(
    operator: Caller, changes: dict[str, Any]
) -> None:
    people = [add_user(f"admin{number}", "admin") for number in range(6)]

    def remove(number: int) -> bool:
        try:
            update_user(caller=operator, user=people[number], changes=UserChanges(**changes))
        except Conflict:
            return False
        return True

    assert sorted(at_once(remove, times=6)) == [False] + [True] * 5
    assert len(admins()) == 1
