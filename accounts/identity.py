"""From rows of the database to a principal, in one query."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from accounts.models import Membership, User
from accounts.models.sessions import idle_time
from accounts.principals import Credential, Place, Principal
from config import profiles
from config.sql import as_time, as_uuid, select, uuid_value

# The columns that `person` takes of a statement in which the table of people is `u`, and what they need.
PERSON = """
    u.id, u.uuid, u.username, u.email, u.role, u.is_superuser, u.must_have_second_factor,
    m.organization_id, o.uuid, o.requires_second_factor, m.role
"""
PERSON_JOINS = """
    LEFT JOIN accounts_membership m ON m.user_id = u.id
    LEFT JOIN accounts_organization o ON o.id = m.organization_id
"""
SESSION = f"""SELECT s.expires_at, s.last_seen_at, s.second_factor, {PERSON}
    FROM accounts_session s JOIN accounts_user u ON u.id = s.user_id {PERSON_JOINS}
    WHERE s.uuid = %s AND s.ended_at IS NULL AND u.is_active
"""  # noqa: S608 (nothing in it comes from outside)


def person(
    rows: Iterable[tuple[Any, ...]], credential: Credential, *, second_factor: bool | None = None
) -> Principal:
    """Return the person in `rows`: PERSON's columns, once for each of their memberships.

    A person in exactly one organization acts in it; in several, in none. `second_factor` says of a login
    whether one was proven in it; None stands for what is no login, and then nothing is withheld.
    """
    rows = list(rows)
    pk, uuid, username, email, role, is_superuser, is_bound = rows[0][:7]
    memberships = [
        (number, as_uuid(public), role) for *_, number, public, _, role in rows if number is not None
    ]
    profile = profiles.active()
    acts_in, public = memberships[0][:2] if len(memberships) == 1 else (None, "")
    own = frozenset(profile.roles if is_superuser else {role})
    places = {number: Place(public, own | {name}) for number, public, name in memberships}
    whole = Principal(
        subject=as_uuid(uuid),
        label=username or email,
        credential=credential,
        everywhere=profile.everything if is_superuser else profile.power_of_role(role, "global"),
        within={number: profile.power_of_role(name, "organization") for number, _, name in memberships},
        roles=own if acts_in is None else places[acts_in].roles,
        user_id=pk,
        organization_id=acts_in,
        organization=public,
        places=places,
        second_factor=bool(second_factor),
    )
    if second_factor is not False:
        return whole
    if is_bound:
        return whole.powerless()
    return whole.unproven(frozenset(number for *_, number, _, is_strict, _ in rows if is_strict))


def principal_of(user: User, credential: Credential, *, second_factor: bool | None = None) -> Principal:
    """Return the principal of a user whose row is at hand; one query for the memberships."""
    memberships = Membership.objects.filter(user=user).values_list(
        "organization_id", "organization__uuid", "organization__requires_second_factor", "role"
    )
    named = (user.pk, user.uuid, user.username, user.email)
    own: tuple[Any, ...] = (*named, user.role, user.is_superuser, user.must_have_second_factor)
    rows = [(*own, *membership) for membership in memberships] or [(*own, None, None, False, None)]
    return person(rows, credential, second_factor=second_factor)


def principal_of_session(credential: Credential, now: datetime) -> tuple[Principal, datetime] | None:
    """Return the active person whose live session the credential names, and when it ends, or None.

    It ends by its age, or for lying idle. One query.
    """
    rows = select(SESSION, [uuid_value(credential.id)])
    if not rows:
        return None
    expires_at, last_seen_at, second_factor = rows[0][:3]
    ends = min(as_time(expires_at), as_time(last_seen_at) + idle_time())
    if ends <= now:
        return None
    return person([row[3:] for row in rows], credential, second_factor=second_factor), ends
