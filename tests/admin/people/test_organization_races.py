"""The page of an organization saves many rows: it waits for their locks before it records the first event."""

from typing import Any

import pytest

from accounts.models import Membership, Organization
from accounts.organizations.services import change_member_role, remove_member
from accounts.users.lookups import lock
from audit.models import ChainHead
from tests.accounts.helpers import caller_as, rows_are_locked, waiting
from tests.admin.helpers import page
from tests.admin.people.test_organizations import ADD, CHANGE, roles, rows
from tests.conftest import Cast
from tests.logins import browser

pytestmark = [pytest.mark.django_db(transaction=True), rows_are_locked]


def check_end_of_log_is_free() -> None:
    assert ChainHead.objects.select_for_update(nowait=True).get(pk=ChainHead.ONLY)


@pytest.mark.parametrize(
    ("who", "sent", "role"),
    [("bob", {"role": "owner"}, "owner"), ("bob", {"DELETE": "on"}, None), ("mallory", None, "developer")],
    ids=["another role", "taken out", "added"],
)
def test_members_are_waited_for_before_the_organization_is_recorded(
    cast: Cast, who: str, sent: dict[str, Any] | None, role: str | None
) -> None:
    ada, member = browser(cast.ada), getattr(cast, who)
    new = {"user": member.pk, "role": "developer"}
    members = rows(cast.acme, new) if sent is None else rows(cast.acme, **{who: sent})
    with waiting(
        lambda: ada.post(page(CHANGE, cast.acme.pk), {"name": "Acme & Sons", **members}),
        holding=lambda: lock(member),  # as a login of theirs does, which goes to the end of the log then
    ):
        check_end_of_log_is_free()
    assert Organization.objects.get(pk=cast.acme.pk).name == "Acme & Sons"
    assert roles(cast.acme).get(who) == role


def test_first_members_are_waited_for_before_their_organization_is_made(cast: Cast) -> None:
    ada = browser(cast.ada)
    sent = {"name": "Initech", **rows(None, {"user": cast.mallory.pk, "role": "owner"})}
    with waiting(lambda: ada.post(page(ADD), sent), holding=lambda: lock(cast.mallory)):
        check_end_of_log_is_free()
    assert roles(Organization.objects.get(name="Initech")) == {"mallory": "owner"}


@pytest.mark.parametrize("is_removed", [False, True])
@pytest.mark.parametrize("first", ["acme", "bob"])
def test_a_membership_is_locked_after_the_organization_and_the_person(
    cast: Cast, first: str, is_removed: bool
) -> None:
    membership = Membership.objects.select_related("user", "organization").get(user=cast.bob)

    def change() -> None:
        if is_removed:
            remove_member(caller=caller_as(cast.ada), membership=membership)
        else:
            change_member_role(caller=caller_as(cast.ada), membership=membership, role="owner")

    with waiting(change, holding=lambda: lock(getattr(cast, first))):
        assert Membership.objects.select_for_update(nowait=True, of=("self",)).get(pk=membership.pk)
