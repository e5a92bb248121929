"""The last logins of a person, from the audit log."""

from datetime import datetime
from typing import NamedTuple

from accounts.models import Session, User
from audit.events import EventName
from audit.models import Event

SHOWN = 10
SEARCHED = 500  # of the newest events about the person
LOGINS = (EventName.LOGIN_SUCCEEDED, EventName.LOGIN_FAILED)


class PastLogin(NamedTuple):
    """A login: when, from which address and program ("" if unknown), and why it was refused, if it was."""

    at: datetime
    ip: str
    user_agent: str
    succeeded: bool
    reason: str


def last_logins(user: User) -> list[PastLogin]:
    """Return the newest logins of a person, at most SHOWN, also the refused ones. Makes two queries.

    The program is known as long as the session of the login is stored.
    """
    about = Event.objects.filter(target_id=str(user.uuid)).values("sequence")[:SEARCHED]
    found = list(Event.objects.filter(sequence__in=about, name__in=LOGINS)[:SHOWN])
    opened = Session.objects.filter(user=user, created_at__in=[event.occurred_at for event in found])
    programs = dict(opened.values_list("created_at", "user_agent"))
    return [
        PastLogin(
            event.occurred_at,
            event.ip,
            programs.get(event.occurred_at, ""),
            event.name == EventName.LOGIN_SUCCEEDED,
            event.detail.get("reason", ""),
        )
        for event in found
    ]
