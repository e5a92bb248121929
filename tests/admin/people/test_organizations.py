"""Organizations and their members in the admin."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Membership, Organization
from audit.models import Event
from tests.admin.helpers import errors_of, page, text_of
from tests.conftest import Cast
from tests.logins import browser

LIST = "accounts_organization_changelist"
ADD = "accounts_organization_add"
CHANGE = "accounts_organization_change"


def rows(
    organization: Organization | None, *new: dict[str, Any], **changes: dict[str, Any]
) -> dict[str, Any]:
    """The form's part about members: those there are, with `changes` by user name, and `new` ones."""
    there = list(Membership.objects.filter(organization=organization).order_by("pk")) if organization else []
    members: list[dict[str, Any]] = [
        {"id": row.pk, "organization": row.organization_id, "role": row.role}
        | changes.get(str(row.user.username), {})
        for row in there
    ]
    sent: dict[str, Any] = {
        "memberships-TOTAL_FORMS": len(members) + len(new),
        "memberships-INITIAL_FORMS": len(members),
    }
    for number, member in enumerate([*members, *new]):
        sent |= {f"memberships-{number}-{name}": value for name, value in member.items()}
    return sent


def save(client: Client, organization: Organization, *new: dict[str, Any], **changes: dict[str, Any]) -> Any:
    """Send the form of an organization."""
    sent = {"name": organization.name, **rows(organization, *new, **changes)}
    return client.post(page(CHANGE, organization.pk), sent)


def roles(organization: Organization) -> dict[str | None, str]:
    found = Membership.objects.filter(organization=organization)
    return {row.user.username: row.role for row in found.select_related("user")}


def test_organizations_are_listed_and_searched(ada: Client) -> None:
    assert "Acme" in text_of(ada.get(page(LIST))) and "Umbrella" in text_of(ada.get(page(LIST)))
    assert "Umbrella" not in text_of(ada.get(page(LIST), {"q": "acm"}))


def test_an_organization_is_added_with_its_first_member(ada: Client, cast: Cast) -> None:
    sent = {"name": "Initech", **rows(None, {"user": cast.mallory.pk, "role": "owner"})}
    assert ada.post(page(ADD), sent).status_code == 302
    initech = Organization.objects.get(name="Initech")
    assert roles(initech) == {"mallory": "owner"}
    events = Event.objects.order_by("-sequence")[:2]
    assert [event.name for event in events] == ["member:added", "organization:created"]
    assert {event.actor_id for event in events} == {str(cast.ada.uuid)}


@pytest.mark.parametrize(("name", "words"), [("ACME", "already"), ("", "required"), ("a\x07b", "control")])
def test_a_bad_name_is_reported_beside_the_field(ada: Client, name: str, words: str) -> None:
    assert words in errors_of(ada.post(page(ADD), {"name": name, **rows(None)}))["name"]
    assert Organization.objects.count() == 2


def test_an_organization_is_renamed(ada: Client, cast: Cast) -> None:
    sent = {"name": "Acme & Sons", **rows(cast.acme)}
    assert ada.post(page(CHANGE, cast.acme.pk), sent).status_code == 302
    assert Organization.objects.get(pk=cast.acme.pk).name == "Acme & Sons"
    event = Event.objects.latest("sequence")
    assert (event.name, event.detail) == (
        "organization:changed",
        {"name": {"from": "Acme", "to": "Acme & Sons"}},
    )


def test_a_member_is_added(ada: Client, cast: Cast) -> None:
    assert save(ada, cast.acme, {"user": cast.mallory.pk, "role": "developer"}).status_code == 302
    assert roles(cast.acme)["mallory"] == "developer"
    event = Event.objects.latest("sequence")
    assert event.name == "member:added"
    assert event.detail == {"user": str(cast.mallory.uuid), "role": "developer"}


def test_a_member_gets_another_role(ada: Client, cast: Cast) -> None:
    assert save(ada, cast.acme, bob={"role": "owner"}).status_code == 302
    assert roles(cast.acme) == {"alice": "owner", "bob": "owner"}
    event = Event.objects.latest("sequence")
    assert event.name == "role:changed"
    assert event.detail == {"user": str(cast.bob.uuid), "from": "developer", "to": "owner"}


def test_a_member_is_taken_out(ada: Client, cast: Cast) -> None:
    assert save(ada, cast.acme, bob={"DELETE": "on"}).status_code == 302
    assert roles(cast.acme) == {"alice": "owner"}
    assert Event.objects.latest("sequence").name == "member:removed"


def test_saving_without_a_change_records_nothing(ada: Client, cast: Cast) -> None:
    events = Event.objects.count()
    assert save(ada, cast.acme).status_code == 302
    assert Event.objects.count() == events


def test_a_membership_never_goes_over_to_somebody_else(ada: Client, cast: Cast) -> None:
    save(ada, cast.acme, bob={"user": cast.mallory.pk, "role": "owner"})
    assert roles(cast.acme) == {"alice": "owner", "bob": "owner"}


def test_the_row_of_another_organization_cannot_be_changed_from_here(ada: Client, cast: Cast) -> None:
    elsewhere = Membership.objects.get(organization=cast.umbrella)
    save(ada, cast.acme, bob={"id": elsewhere.pk, "role": "developer"})
    assert roles(cast.umbrella) == {"charlie": "owner"}


@pytest.mark.parametrize(
    ("who", "role", "words"),
    [("bob", "owner", "duplicate"), ("mallory", "emperor", "emperor"), ("mallory", "", "required")],
)
def test_a_member_who_cannot_be_added_is_reported_and_nothing_is_written(
    ada: Client, cast: Cast, who: str, role: str, words: str
) -> None:
    before, events = roles(cast.acme), Event.objects.count()
    user = getattr(cast, who)
    response = save(ada, cast.acme, {"user": user.pk, "role": role}, alice={"role": "developer"})
    assert response.status_code == 200
    assert words in text_of(response)
    assert (roles(cast.acme), Event.objects.count()) == (before, events)


def test_a_role_that_the_profile_has_dropped_is_kept(ada: Client, cast: Cast) -> None:
    Membership.objects.filter(user=cast.bob).update(role="legacy")
    assert "legacy: not a role of this profile" in text_of(ada.get(page(CHANGE, cast.acme.pk)))
    assert save(ada, cast.acme).status_code == 302
    assert roles(cast.acme)["bob"] == "legacy"


def test_an_organization_is_never_deleted(ada: Client, cast: Cast) -> None:
    assert ada.post(page("accounts_organization_delete", cast.acme.pk), {"post": "yes"}).status_code == 403
    assert Organization.objects.count() == 2


@pytest.mark.parametrize("number", [None, 99999])
def test_people_whom_the_caller_may_not_see_look_nonexistent(
    cast: Cast, strong_owners: None, number: int | None
) -> None:
    alice = browser(cast.alice)
    answer = save(alice, cast.acme, {"user": number or cast.charlie.pk, "role": "developer"})
    assert "That choice is not one of the available choices" in text_of(answer)
    assert "charlie" not in text_of(answer)
    assert roles(cast.acme) == {"alice": "owner", "bob": "developer"}


def test_who_manages_one_organization_changes_the_roles_of_its_members(
    cast: Cast, strong_owners: None
) -> None:
    assert save(browser(cast.alice), cast.acme, bob={"role": "owner"}).status_code == 302
    assert roles(cast.acme)["bob"] == "owner"
