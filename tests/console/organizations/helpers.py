"""The pages of organizations, and what they did."""

import re
from typing import Any

from django.test import Client

from accounts.models import Invitation, Membership, Organization, User
from audit.models import Event
from tests.conftest import Cast, add_user

LIST = "/account/organizations"
EVE = "eve@example.net"
XSS = "<script>alert(1)</script>"


def page_of(organization: Organization, *parts: object) -> str:
    return "/".join([LIST, str(organization.uuid), *map(str, parts)])


def member_page(organization: Organization, user: User) -> str:
    return page_of(organization, "members", user.uuid)


def seen(client: Client, path: str, **query: str) -> str:
    """The text of a page that opens."""
    answer = client.get(path, query)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def said(client: Client, path: str, form: dict[str, Any]) -> str:
    """Send a form that works; the page that follows."""
    answer = client.post(path, form)
    assert answer.status_code == 302, answer.content
    return client.get(answer["Location"]).content.decode()


def refused(client: Client, path: str, form: dict[str, Any], status: int) -> str:
    """Send a form that is refused: nothing is recorded but the refusal, if it is one."""
    before = set(Event.objects.values_list("pk", flat=True))
    answer = client.post(path, form)
    assert answer.status_code == status, answer.content
    recorded = Event.objects.exclude(pk__in=before).values_list("name", flat=True)
    assert set(recorded) == ({"access:denied"} if status == 403 else set())
    return answer.content.decode()


def last_event() -> tuple[str, str]:
    """The name and the actor of the last event."""
    event = Event.objects.latest("sequence")
    return event.name, event.actor_id


def role_of(user: User, organization: Organization) -> str | None:
    return (
        Membership.objects.filter(user=user, organization=organization).values_list("role", flat=True).first()
    )


def invitation_of(email: str = EVE) -> Invitation:
    return Invitation.objects.get(email=email)


def viewer(cast: Cast) -> User:
    """A member of Acme who sees its members; the profile must have the role."""
    return add_user("vera", memberships=[(cast.acme, "viewer")])


def buttons(text: str) -> list[str]:
    """The forms that change something, and the links that look like buttons."""
    main = text.partition('<main class="page">')[2]
    return re.findall(r'<form[^>]*method="post"|role="button"', main)
