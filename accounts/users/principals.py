"""Reading a person's principal from the database in one query."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from access.principals import Credential, Place, Principal, narrow
from access.remembered import Read
from accounts.models import User
from accounts.models.sessions import idle_time
from audit.position import HEAD, HEAD_JOIN, select_at
from config import profiles
from config.database.sql import as_time, as_uuid, select, uuid_value
from config.profiles import NO_POWER, Power


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
    requires_provider: bool = False
    keeps_own_login: bool = False

    @property
    def is_bound(self) -> bool:
        """Whether the role in the organization counts only after a login with its identity provider."""
        return bool(self.requires_provider and not self.keeps_own_login)


# The columns and joins that a statement needs for PersonRow; it names the table of people `u`.
MEMBERSHIP = """
    m.organization_id, CAST(o.uuid AS text), o.requires_second_factor, m.role, o.requires_provider,
    m.keeps_own_login
"""
PERSON = f"""
    u.id, CAST(u.uuid AS text), u.username, u.email, u.role, u.is_superuser, u.must_have_second_factor,
    {MEMBERSHIP}
"""
PERSON_JOINS = """
    LEFT JOIN accounts_membership m ON m.user_id = u.id
    LEFT JOIN accounts_organization o ON o.id = m.organization_id
"""
MEMBERSHIPS = f"""SELECT {MEMBERSHIP}
    FROM accounts_membership m JOIN accounts_organization o ON o.id = m.organization_id WHERE m.user_id = %s
"""  # noqa: S608 (nothing in it comes from outside)
SESSION = f"""SELECT {HEAD}, s.expires_at, s.last_seen_at,
        s.created_at, s.proven_again_at, s.second_factor, {PERSON}
    FROM accounts_session s JOIN accounts_user u ON u.id = s.user_id {PERSON_JOINS} {HEAD_JOIN}
    WHERE s.uuid = %s AND s.ended_at IS NULL AND s.organization_id IS NULL AND u.is_active
"""  # noqa: S608 (nothing in it comes from outside)


def person(
    found: Iterable[PersonRow],
    credential: Credential,
    *,
    second_factor: bool | None = None,
    granted: frozenset[str] | None = None,
) -> Principal:
    """Return the principal of one person, from one row for each membership or one row without any.

    A member of exactly one organization acts in it; a member of several has to choose one. `second_factor`
    says whether a login proved one. None means that the credential is not a login: then no power is withheld.
    `granted` are the only scopes that the credential has; None means that it has those of the person.
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

    def kept(power: Power) -> Power:
        return power if granted is None else narrow(power, granted)

    whole = Principal(
        subject=as_uuid(own.uuid),
        label=own.username or own.email,
        credential=credential,
        everywhere=kept(
            profile.everything if own.is_superuser else profile.power_of_role(own.role, "global")
        ),
        within={
            number: kept(profile.power_of_role(row.organization_role or "", "organization"))
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


def principal_of(
    user: User, credential: Credential, *, second_factor: bool | None = None, only_in: int | None = None
) -> Principal:
    """Return the principal of a loaded user; reads the memberships in one query.

    `only_in` is the organization whose provider alone vouches for the person: they may do what that provider
    can give, which is their role there and the global role of newcomers. Without it, a `credential` that has
    `proven_at` is a login with the person's own password or passkey.
    """
    own = PersonRow(
        pk=user.pk,
        uuid=user.uuid,
        username=user.username,
        email=user.email,
        role=user.role,
        is_superuser=user.is_superuser,
        must_have_second_factor=user.must_have_second_factor,
    )
    rows = [PersonRow(*own[:7], *row) for row in select(MEMBERSHIPS, [user.pk])]
    if only_in is not None:
        return _part(rows or [own], _vouched_for(rows, own, only_in), credential, second_factor)
    if credential.proven_at is not None:
        return _of_own_login(rows or [own], credential, second_factor)
    return person(rows or [own], credential, second_factor=second_factor)


def _of_own_login(rows: list[PersonRow], credential: Credential, second_factor: bool | None) -> Principal:
    """Return the person after a login with their own password or passkey.

    They are no member of organizations that require their identity providers.
    """
    if not any(row.is_bound for row in rows):
        return person(rows, credential, second_factor=second_factor)
    free = [row for row in rows if not row.is_bound]
    return _part(rows, free or [rows[0]._replace(organization_id=None)], credential, second_factor)


def _part(
    rows: list[PersonRow], part: list[PersonRow], credential: Credential, second_factor: bool | None
) -> Principal:
    """Return the person with a `part` of their rows. The login is confined if the others allow more."""
    excess = person(rows, credential).excess_over(person(part, credential))
    confined = replace(credential, is_confined=excess != NO_POWER)
    return person(part, confined, second_factor=second_factor)


def _vouched_for(rows: list[PersonRow], own: PersonRow, organization: int) -> list[PersonRow]:
    """Return the rows with which the organization's provider could have made the person."""
    profile = profiles.active()
    newcomer = profile.login.newcomer_role
    held, given = (profile.power_of_role(role, "global") for role in (own.role, newcomer))
    role = own.role if held <= given else newcomer
    here = [row for row in rows if row.organization_id == organization] or [own]
    return [row._replace(role=role, is_superuser=False) for row in here]


def principal_of_session(credential: Credential, now: datetime) -> Read | None:
    """Return the active person whose live session the credential names, or None. Makes one query.

    A session ends by age or by idleness. The result may be used until the session or the credential ends.
    """
    rows, position = select_at(SESSION, [uuid_value(credential.id)])
    if not rows:
        return None
    expires_at, last_seen_at, created_at, proven_again_at, second_factor = rows[0][:5]
    ends = min(as_time(expires_at), as_time(last_seen_at) + idle_time())
    if ends <= now:
        return None
    if credential.expires_at is not None:
        ends = min(ends, credential.expires_at)
    people = [PersonRow(*row[5:]) for row in rows]
    login = replace(credential, proven_at=as_time(proven_again_at or created_at))
    found = _of_own_login(people, login, second_factor)
    return Read.of(found, ends, position, f"session:{credential.id}")
