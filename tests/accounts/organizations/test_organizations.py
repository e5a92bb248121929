"""Organizations and who is in them: unique names, one membership each, every change recorded."""

import pytest

from access.principals import Caller
from accounts.models import Membership, Organization
from accounts.organizations.changes import OrganizationChanges
from accounts.organizations.services import (
    add_member,
    change_member_role,
    create_organization,
    remove_member,
    update_organization,
)
from audit.models import Event
from config.wire.errors import Conflict, Invalid, NotFound
from tests.accounts.helpers import at_once
from tests.conftest import Cast


@pytest.mark.parametrize("name", ["Acme", "ACME", " acme ", "Ａcme", "Acme\ufe0f", "Ac\u034fme"])  # noqa: RUF001
def test_an_organization_that_looks_like_another_is_refused(cast: Cast, operator: Caller, name: str) -> None:
    with pytest.raises(Conflict) as caught:
        create_organization(caller=operator, name=name)
    assert list(caught.value.errors) == ["name"]
    with pytest.raises(Conflict):
        update_organization(
            caller=operator, organization=cast.umbrella, changes=OrganizationChanges(name=name)
        )
    assert Organization.objects.get(pk=cast.umbrella.pk).name == "Umbrella"


@pytest.mark.parametrize(
    "name", ["", "  ", "\u3164\u3164", "x" * 101, "a\nb", "a\x1b[31m", "a\0b", "\udcff", "ﷺ" * 100]
)
def test_a_name_that_cannot_be_kept_or_shown_is_refused(operator: Caller, db: None, name: str) -> None:
    with pytest.raises(Invalid) as caught:
        create_organization(caller=operator, name=name)
    assert list(caught.value.errors) == ["name"]
    assert not Organization.objects.exists()


@pytest.mark.parametrize("name", ["x" * 100, "ß" * 100, "ΐ" * 100, "Ｗ" * 100, "日本の会社 🏢"])  # noqa: RUF001
def test_a_name_of_any_script_is_kept_as_it_is(operator: Caller, db: None, name: str) -> None:
    made = create_organization(caller=operator, name=name)
    assert Organization.objects.get(pk=made.pk).name == name


def test_a_renamed_organization_is_recorded_with_both_names(cast: Cast, operator: Caller) -> None:
    cast.acme.name = "what a form has already put there"
    update_organization(
        caller=operator, organization=cast.acme, changes=OrganizationChanges(name="Acme & Sons")
    )
    event = Event.objects.latest("sequence")
    assert event.name == "organization:changed"
    assert event.detail == {"name": {"from": "Acme", "to": "Acme & Sons"}}
    update_organization(
        caller=operator, organization=cast.acme, changes=OrganizationChanges(name="ACME & sons")
    )


def test_a_person_is_a_member_once(cast: Cast, operator: Caller) -> None:
    with pytest.raises(Conflict):
        add_member(caller=operator, organization=cast.acme, user=cast.alice, role="developer")
    assert Membership.objects.get(user=cast.alice).role == "owner"


@pytest.mark.parametrize("role", ["", "admin", "member", "Owner", "*"])
def test_a_role_of_another_level_is_refused(cast: Cast, operator: Caller, role: str) -> None:
    with pytest.raises(Invalid):
        add_member(caller=operator, organization=cast.acme, user=cast.mallory, role=role)
    with pytest.raises(Invalid):
        change_member_role(caller=operator, membership=Membership.objects.get(user=cast.bob), role=role)
    assert not Membership.objects.filter(user=cast.mallory).exists()


def test_what_happens_to_members_is_recorded_where_the_organizations_auditors_see_it(
    cast: Cast, operator: Caller
) -> None:
    last = Event.objects.count()
    membership = add_member(caller=operator, organization=cast.acme, user=cast.mallory, role="developer")
    change_member_role(caller=operator, membership=membership, role="owner")
    remove_member(caller=operator, membership=membership)
    events = Event.objects.filter(sequence__gt=last).order_by("sequence")
    assert [event.name for event in events] == ["member:added", "role:changed", "member:removed"]
    assert {event.organization_id for event in events} == {cast.acme.pk}
    assert {event.detail["user"] for event in events} == {str(cast.mallory.uuid)}


def test_a_former_member_cannot_be_changed_or_removed_again(cast: Cast, operator: Caller) -> None:
    membership = Membership.objects.get(user=cast.bob)
    remove_member(caller=operator, membership=Membership.objects.get(user=cast.bob))
    with pytest.raises(NotFound):
        remove_member(caller=operator, membership=membership)
    with pytest.raises(NotFound):
        change_member_role(caller=operator, membership=membership, role="owner")


@pytest.mark.django_db(transaction=True)
def test_when_eight_want_the_same_organization_at_once_one_gets_it(operator: Caller) -> None:
    def attempt(number: int) -> bool:
        try:
            create_organization(caller=operator, name=["Acme", "ACME"][number % 2])
        except Conflict:
            return False
        return True

    assert sorted(at_once(attempt, times=8)) == [False] * 7 + [True]
    assert Organization.objects.count() == 1
