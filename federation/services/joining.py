"""What a provider's word changes here: the account, its link with the identity, and the role."""

from collections.abc import Iterable
from typing import NamedTuple

from django.db import transaction
from django.utils.translation import gettext_noop

from accounts.models import Membership, Organization, User
from accounts.organizations.managers import has_other_manager, manages
from accounts.organizations.services import insert_member, member_target, write_role
from accounts.sessions.identity import as_actor, record_failure
from accounts.users import names
from accounts.users.lookups import lock
from accounts.users.store import insert_user
from audit.actors import Origin, Target
from audit.events import EventName
from audit.log import Entry, record_all
from config import profiles
from config.wire.errors import Conflict, Invalid
from federation.models import Identity, Provider, Standing
from federation.protocol.faults import RefusedByProvider
from federation.services.mapping import matching, role_given
from federation.services.vouching import Vouched

NO_ROLE = gettext_noop("Your organization gives you no role here. Ask one of its managers.")
NO_ACCOUNT = gettext_noop("Only people with an account can log in here. Ask for an invitation.")
CHANGED = gettext_noop("The account has just been changed. Begin the login again.")


class Settled(NamedTuple):
    """The account, whether it is a member now, and what is to be recorded."""

    user: User
    is_member: bool
    entries: list[Entry]


def settle(*, provider: Provider, vouched: Vouched, user: User | None, origin: Origin) -> User:
    """Link the identity with the account, which is made if `user` is None, and give it the mapped role.

    Raises RefusedByProvider for a person who is no member afterwards. They get no account.
    """
    try:
        with transaction.atomic():
            settled = _settled(provider, vouched, user, origin)
            record_all(settled.entries, actor=as_actor(settled.user), origin=origin)
    except RefusedByProvider:
        record_failure(user, origin, "refused after the provider's word")
        raise
    if not settled.is_member:
        record_failure(user, origin, "no role from the provider")
        raise RefusedByProvider(NO_ROLE)
    return settled.user


def _settled(provider: Provider, vouched: Vouched, user: User | None, origin: Origin) -> Settled:
    organization, held = lock(provider.organization), lock(provider)
    rules = matching(held, frozenset(vouched.values))
    people = _locked_people([*(rule.written_by_id for rule in rules), user.pk if user else None])
    role = role_given(organization, rules, people, origin)
    if user is None:
        if not role:
            raise RefusedByProvider(NO_ROLE)
        account, entries = _newcomer(vouched)
    else:
        account, entries = people.get(user.pk, user), []
        if not account.is_active or user.pk not in people:
            raise RefusedByProvider(NO_ROLE)
    identity, is_new = Identity.objects.get_or_create(
        issuer=vouched.issuer,
        subject=vouched.subject,
        defaults={"user": account, "created_at": origin.at},
    )
    if identity.user_id != account.pk:
        raise RefusedByProvider(CHANGED)
    if is_new:
        detail = {"issuer": vouched.issuer, "subject": vouched.subject}
        entries.append(Entry(EventName.IDENTITY_LINKED, Target.of("user", account), detail))
    standing, _ = Standing.objects.get_or_create(
        provider=held, identity=identity, defaults={"logged_in_at": origin.at}
    )
    is_member = _give(organization, account, standing.role, role, origin, entries)
    Standing.objects.filter(pk=standing.pk).update(role=role, logged_in_at=origin.at)
    Provider.objects.filter(pk=held.pk, tested_at=None).update(tested_at=origin.at)
    return Settled(account, is_member, entries)


def _locked_people(numbers: Iterable[int | None]) -> dict[int, User]:
    rows = User.objects.select_for_update().filter(pk__in={number for number in numbers if number})
    return {person.pk: person for person in rows.order_by("pk")}


def _newcomer(vouched: Vouched) -> tuple[User, list[Entry]]:
    """Store a new account without a password. Raises RefusedByProvider."""
    role = profiles.active().login.newcomer_role
    if not role:
        raise RefusedByProvider(NO_ACCOUNT)
    user = User(
        email=names.clean_email(vouched.email),
        email_verified=vouched.email_verified,
        name=_name(vouched.name),
        role=role,
    )
    user.set_unusable_password()
    try:
        insert_user(user)
    except Conflict:  # somebody else took the address meanwhile
        raise RefusedByProvider(CHANGED) from None
    entry = Entry(EventName.USER_CREATED, Target.of("user", user), {"role": role, "by": "provider"})
    return user, [entry]


def _name(text: str) -> str:
    try:
        return names.clean_name("name", text)
    except Invalid:
        return ""


def _give(
    organization: Organization, user: User, before: str, role: str, origin: Origin, entries: list[Entry]
) -> bool:
    """Give the mapped role, unless the member has another one by hand. Return whether they are a member.

    `before` is the role that the rules gave last. The last member who manages the organization stays one.
    """
    rows = Membership.objects.select_related("user", "organization")
    member = rows.filter(organization=organization, user=user).first()
    about = {"user": str(user.uuid), "by": "provider"}
    if member is None:
        if role:
            made = insert_member(organization=organization, user=user, role=role, at=origin.at)
            entries.append(Entry(EventName.MEMBER_ADDED, member_target(made), {**about, "role": role}))
        return bool(role)
    is_by_hand = member.role != before
    is_last = manages(member.role) and not manages(role) and not has_other_manager(member)
    if member.role == role or is_by_hand or is_last:
        return True
    if role:
        write_role(member, role)
        detail = {**about, "from": member.role, "to": role}
        entries.append(Entry(EventName.ROLE_CHANGED, member_target(member), detail))
    else:
        Membership.objects.filter(pk=member.pk).delete()
        entries.append(Entry(EventName.MEMBER_REMOVED, member_target(member), {**about, "role": member.role}))
    return bool(role)
