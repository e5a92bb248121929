"""From rows of the database to a principal, in one query."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from accounts.models import Membership, Session, User
from accounts.models.sessions import idle_time
from accounts.principals import Credential, Principal
from config import profiles

# The columns that describe a person, from the table of people; `person_columns` prefixes them.
_COLUMNS = (
    "pk",
    "uuid",
    "username",
    "email",
    "role",
    "is_superuser",
    "memberships__organization_id",
    "memberships__organization__uuid",
    "memberships__organization__requires_second_factor",
    "memberships__role",
)


def person_columns(path: str) -> list[str]:
    """The columns to select for `person`, through the relation `path` ("user__")."""
    return [f"{path}{column}" for column in _COLUMNS]


def person(
    rows: Iterable[tuple[Any, ...]], credential: Credential, *, second_factor: bool | None = None
) -> Principal:
    """Return the person in `rows`: one row of `person_columns` for each of their memberships.

    A person in exactly one organization acts in it; in several, in none. `second_factor` says of a login
    whether one was proven in it; None stands for what is no login, and then nothing is withheld.
    """
    rows = list(rows)
    pk, uuid, username, email, role, is_superuser = rows[0][:6]
    memberships = [(number, str(public), role) for *_, number, public, _, role in rows if number is not None]
    profile = profiles.active()
    acts_in, public = memberships[0][:2] if len(memberships) == 1 else (None, "")
    whole = Principal(
        subject=str(uuid),
        label=username or email,
        credential=credential,
        everywhere=profile.everything if is_superuser else profile.power_of_role(role, "global"),
        within={number: profile.power_of_role(name, "organization") for number, _, name in memberships},
        roles=frozenset(profile.roles) if is_superuser else _roles(role, memberships, acts_in),
        user_id=pk,
        organization_id=acts_in,
        organization=public,
        second_factor=bool(second_factor),
    )
    if second_factor is not False:
        return whole
    return whole.unproven(frozenset(number for *_, number, _, is_strict, _ in rows if is_strict))


def _roles(role: str, memberships: list[tuple[int, str, str]], acts_in: int | None) -> frozenset[str]:
    """The global role, and the one in the organization that the person acts in."""
    return frozenset({role, *(name for number, _, name in memberships if number == acts_in)})


def principal_of(user: User, credential: Credential, *, second_factor: bool | None = None) -> Principal:
    """Return the principal of a user whose row is at hand; one query for the memberships."""
    memberships = Membership.objects.filter(user=user).values_list(
        "organization_id", "organization__uuid", "organization__requires_second_factor", "role"
    )
    own: tuple[Any, ...] = (user.pk, user.uuid, user.username, user.email, user.role, user.is_superuser)
    rows = [(*own, *membership) for membership in memberships] or [(*own, None, None, False, None)]
    return person(rows, credential, second_factor=second_factor)


def principal_of_session(credential: Credential, now: datetime) -> tuple[Principal, datetime] | None:
    """Return the active person whose live session the credential names, and when it ends, or None.

    It ends by its age, or for lying idle. One query.
    """
    rows = list(
        Session.objects.live(now)
        .filter(uuid=credential.id, user__is_active=True)
        .order_by()
        .values_list("expires_at", "last_seen_at", "second_factor", *person_columns("user__"))
    )
    if not rows:
        return None
    expires_at, last_seen_at, second_factor = rows[0][:3]
    found = person([row[3:] for row in rows], credential, second_factor=second_factor)
    return found, min(expires_at, last_seen_at + idle_time())
