"""Use case of an organization that requires its provider: own passwords of members do not count there."""

from collections.abc import Collection
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from access.leases import wait_out_leases
from access.principals import Caller
from accounts.models import Membership, Organization, Session, User
from accounts.organizations.managers import manages
from accounts.sessions.termination import end_sessions
from accounts.users import authority
from accounts.users.lookups import lock
from audit.actors import Target
from audit.events import EventName
from audit.log import record
from config.database.rows import edit
from config.profiles import Capability
from config.wire.errors import Conflict, Invalid, Sentence
from federation.models import Provider, Standing
from federation.services.providers import check_may_set_up, count_change, locked_provider

MOST_EXCEPTED = 20


def set_enforcement(
    *,
    caller: Caller,
    organization: Organization,
    required: bool,
    excepted: Collection[UUID] | None = None,
    seen: Collection[UUID] | None = None,
) -> int:
    """Require the organization's provider, or allow own logins again; return how many sessions ended.

    While it is required, a person who logs in with their own password or passkey is no member. Members with
    the uuids `excepted`, who may manage the organization, stay members; None excepts the same as before.
    Exceptions end only if the caller has `seen` them; None is all. Logins of people who would have nothing
    left end.

    Raises NotAllowed, FreshProofRequired, TooManyAttempts, NotFound, Invalid, or Conflict for a caller who
    has not logged in with the provider, unless they manage every organization.
    """
    check_may_set_up(caller, organization)
    count_change(caller)
    with transaction.atomic():
        row = lock(organization)
        provider = locked_provider(row)
        if required and not row.requires_provider:
            _check_gets_in(caller, provider)
        people = User.objects.filter(memberships__organization=row)
        list(people.select_for_update().order_by("pk").values_list("pk"))  # the evaluation takes the locks
        changed = _except(caller, row, excepted, seen) if excepted is not None else False
        if required != row.requires_provider:
            edit(Organization.objects.filter(pk=row.pk), requires_provider=required)
            changed = True
        ended = _end_own_logins(people, caller) if changed and required else 0
        if changed:
            _record(caller, row, required, ended)
        wait_out_leases()  # no-op changes wait, too: another request may have just made the change
    return ended


def excepted_from(organization: Organization) -> QuerySet[Membership]:
    """Return the members whose own logins count although the organization requires its provider."""
    return organization.memberships.filter(keeps_own_login=True).select_related("user")


def _check_gets_in(caller: Caller, provider: Provider) -> None:
    """Raise Conflict for a caller who might lock themselves out."""
    if caller.principal.may(Capability.MANAGE_ORGANIZATIONS):
        return
    own = Standing.objects.filter(provider=provider, identity__user=caller.principal.user_id)
    if provider.tested_at is None or not own.filter(logged_in_at__gte=provider.tested_at).exists():
        raise Conflict("required", "needs proof that you can get in: log in with the provider first")


def _except(
    caller: Caller, organization: Organization, excepted: Collection[UUID], seen: Collection[UUID] | None
) -> bool:
    """Except these members, and end other exceptions that were seen; return whether that changes anything."""
    concerned = Q(keeps_own_login=True) | Q(user__uuid__in=excepted)
    rows = organization.memberships.filter(concerned).select_related("user")
    members = {each.user.uuid: each for each in rows}
    wanted = {*excepted}
    if seen is not None:
        wanted |= {uuid for uuid, each in members.items() if each.keeps_own_login and uuid not in seen}
    changed = [each for uuid, each in members.items() if each.keeps_own_login != (uuid in wanted)]
    added = [each for each in changed if not each.keeps_own_login]
    if not members.keys() >= wanted or not all(manages(each.role) for each in added):
        raise Invalid("excepted", "must be members who may manage the organization")
    if len(wanted) > MOST_EXCEPTED:
        raise Invalid("excepted", Sentence("must be at most %(most)d members", most=MOST_EXCEPTED))
    for each in changed:
        authority.check_not_above_in(caller, organization, each.user, each.role)
        edit(Membership.objects.filter(pk=each.pk), keeps_own_login=not each.keeps_own_login)
    return bool(changed)


def _end_own_logins(people: QuerySet[User], caller: Caller) -> int:
    """End the sessions of members who may not log in that way now."""
    bound = User.objects.bound_to_providers().filter(pk__in=people.values("pk"))
    own = Session.objects.filter(user__in=bound, organization=None)
    return end_sessions(own.filter(expires_at__gt=caller.origin.at), caller.origin.at)


def _record(caller: Caller, organization: Organization, required: bool, ended: int) -> None:
    target = Target.of("organization", organization, organization_id=organization.pk)
    detail = {
        "required": required,
        "excepted": sorted(str(each.user.uuid) for each in excepted_from(organization)),
        "sessions": ended,
    }
    actor, origin = caller.principal.actor, caller.origin
    record(EventName.ENFORCEMENT_CHANGED, actor=actor, origin=origin, target=target, detail=detail)
