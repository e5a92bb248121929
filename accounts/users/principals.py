"""Reading a person's principal from the database in one query."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from access.principals import Credential, Place, Principal
from access.remembered import Read
from accounts.models import Membership, User
from accounts.models.sessions import idle_time
from audit.position import HEAD, HEAD_JOIN, select_at
from config import profiles
from config.database.sql import as_time, as_uuid, uuid_value


class PersonRow(NamedTuple):
    """The columns of PERSON: a person with one membership, or without one."""

    pk: int
    uuid: Any
    username: str | None
    email: str
    role: str
    is_superuser: bool
    must_have_second_factor: bool
    organization_id: int | None = None
    organization: Any = None
    requires_second_factor: bool = False
    organization_role: str | None = None


# The columns and joins that a statement needs for PersonRow; it names the table of people `u`.
PERSON = """
    u.id, u.uuid, u.username, u.email, u.role, u.is_superuser, u.must_have_second_factor,
    m.organization_id, o.uuid, o.requires_second_factor, m.role
"""
PERSON_JOINS = """
    LEFT JOIN accounts_membership m ON m.user_id = u.id
    LEFT JOIN accounts_organization o ON o.id = m.organization_id
"""
SESSION = f"""SELECT {HEAD}, s.expires_at, s.last_seen_at, s.second_factor, {PERSON}
    FROM accounts_session s JOIN accounts_user u ON u.id = s.user_id {PERSON_JOINS} {HEAD_JOIN}
    WHERE s.uuid = %s AND s.ended_at IS NULL AND u.is_active
"""  # noqa: S608 (nothing in it comes from outside)


def person(
    found: Iterable[PersonRow], credential: Credential, *, second_factor: bool | None = None
) -> Principal:
    """Return the principal of one person, from one row for each membership or one row without any.

    A member of exactly one organization acts in it; a member of several has to choose one. `second_factor`
    says whether a login proved one. None means that the credential is not a login: then no power is withheld.
    """
    rows, profile = list(found), profiles.active()
    own = rows[0]
    members = {row.organization_id: row for row in rows if row.organization_id is not None}
    roles = frozenset(profile.roles if own.is_superuser else {own.role})
    places = {
        number: Place(as_uuid(row.organization), roles | {row.organization_role or ""})
        for number, row in members.items()
    }
    acts_in = next(iter(places)) if len(places) == 1 else None
    whole = Principal(
        subject=as_uuid(own.uuid),
        label=own.username or own.email,
        credential=credential,
        everywhere=profile.everything if own.is_superuser else profile.power_of_role(own.role, "global"),
        within={
            number: profile.power_of_role(row.organization_role or "", "organization")
            for number, row in members.items()
        },
        roles=roles if acts_in is None else places[acts_in].roles,
        user_id=own.pk,
        organization_id=acts_in,
        organization="" if acts_in is None else places[acts_in].organization,
        places=places,
        second_factor=bool(second_factor),
    )
    if second_factor is not False:
        return whole
    if own.must_have_second_factor:
        return whole.without_power()
    return whole.without_second_factor(
        frozenset(number for number, row in members.items() if row.requires_second_factor)
    )


def principal_of(user: User, credential: Credential, *, second_factor: bool | None = None) -> Principal:
    """Return the principal of a loaded user; reads the memberships in one query."""
    memberships = Membership.objects.filter(user=user).select_related("organization")
    own = PersonRow(
        pk=user.pk,
        uuid=user.uuid,
        username=user.username,
        email=user.email,
        role=user.role,
        is_superuser=user.is_superuser,
        must_have_second_factor=user.must_have_second_factor,
    )
    rows = [
        own._replace(
            organization_id=membership.organization_id,
            organization=membership.organization.uuid,
            requires_second_factor=membership.organization.requires_second_factor,
            organization_role=membership.role,
        )
        for membership in memberships
    ]
    return person(rows or [own], credential, second_factor=second_factor)


def principal_of_session(credential: Credential, now: datetime) -> Read | None:
    """Return the active person whose live session the credential names, or None. Makes one query.

    A session ends by age or by idleness. The result may be used until the session or the credential ends.
    """
    rows, position = select_at(SESSION, [uuid_value(credential.id)])
    if not rows:
        return None
    expires_at, last_seen_at, second_factor = rows[0][:3]
    ends = min(as_time(expires_at), as_time(last_seen_at) + idle_time())
    if ends <= now:
        return None
    if credential.expires_at is not None:
        ends = min(ends, credential.expires_at)
    people = [PersonRow(*row[3:]) for row in rows]
    found = person(people, credential, second_factor=second_factor)
    return Read.of(found, ends, position, f"session:{credential.id}")
