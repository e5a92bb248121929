"""Use cases of people who have lost their second factor: a mailed link starts a wait, then it is removed.

This needs `login.second_factor_recovery_days` in the profile. Otherwise an administrator removes it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from accounts import hooks
from accounts.mail.messages import MailKind, Message, Template
from accounts.mail.outbox import queue_mail
from accounts.models import EmailUndo, Mail, Membership, SecondFactor, SecondFactorRecovery, User
from accounts.passwords.recovery_links import recovering_person
from accounts.second_factor.coming_and_going import take_away
from accounts.second_factor.verification import has_second_factor
from accounts.sessions.identity import as_actor
from accounts.sessions.termination import end_all_sessions
from accounts.throttling.services import attempt
from accounts.users.lookups import lock
from audit.actors import ANONYMOUS, Origin, Target
from audit.events import EventName
from audit.log import record
from config import profiles
from config.limits import Limit
from config.profiles import Capability
from config.wire.errors import Conflict, NotAllowed

ADMINISTERS = frozenset({Capability.MANAGE_KEYS, Capability.MANAGE_USERS, Capability.MANAGE_ORGANIZATIONS})
LAST_NOTICE = timedelta(days=1)  # before the end
ASK_AN_ADMINISTRATOR = gettext_noop("Ask an administrator to remove the second factor of this account.")


def may_recover(user: User) -> bool:
    """Whether the person may have their second factor removed by a mailed link and a wait.

    Superusers and people who manage others or others' keys may not. Neither may people who must have a second
    factor: as a person, in an organization, or for one of their capabilities (ASVS 5.0 6.4.3, NIST SP
    800-63B-4).
    """
    login = profiles.active().login
    if login.second_factor_recovery_days is None or user.is_superuser or user.must_have_second_factor:
        return False
    memberships = Membership.objects.filter(user=user).select_related("organization")
    if any(membership.organization.requires_second_factor for membership in memberships):
        return False
    needing = ADMINISTERS | frozenset(login.second_factor_for)
    return needing.isdisjoint(_capabilities(user, [membership.role for membership in memberships]))


def _capabilities(user: User, roles: Iterable[str]) -> frozenset[Capability]:
    """Return the capabilities that the person has anywhere."""
    profile = profiles.active()
    held = profile.power_of_role(user.role, "global")
    for role in roles:
        held |= profile.power_of_role(role, "organization")
    return held.capabilities


class Prospect(NamedTuple):
    """How a person who has lost their second factor can have it removed.

    `ends_at` (UTC) is the end of a wait that has begun. `days` is how long a new wait would take; None if
    only an administrator can remove the second factor.
    """

    ends_at: datetime | None
    days: int | None


def prospect_of(user: User) -> Prospect | None:
    """Return how the person's second factor can be removed; None if they have none."""
    if not has_second_factor(user):
        return None
    wait = SecondFactorRecovery.objects.filter(device__user=user).first()
    days = profiles.active().login.second_factor_recovery_days if may_recover(user) else None
    return Prospect(wait.ends_at if wait else None, days)


def start_recovery(*, token: str, origin: Origin) -> SecondFactorRecovery:
    """Begin the wait after which the person's second factor is removed; `token` is of a recovery link.

    All logins of the account end. Until the wait is over, nobody can log in except with a code that stops the
    wait (accounts.second_factor.recovery_wait). Mails tell the owner at every address.

    Raises TooManyAttempts, Invalid, naming `token`, NotAllowed, or Conflict if the account has no second
    factor or the wait has already begun.
    """
    attempt(Limit.MAILED_TOKEN, origin=origin)
    person = recovering_person(token, origin.at)
    with transaction.atomic():
        user = lock(person)
        recovering_person(token, origin.at)
        device = SecondFactor.objects.filter(user=user, confirmed=True).first()
        if device is None:
            raise Conflict("totp", "this account has no second factor; log in with the password")
        if not may_recover(user):
            raise NotAllowed(ASK_AN_ADMINISTRATOR)
        wait = _begin(device, origin.at)
        end_all_sessions(user, origin.at)
        hooks.tell(hooks.access_ended, user)
        _queue_notices(user, wait, origin)
        target, detail = Target.of("user", user), {"ends_at": wait.ends_at.isoformat()}
        record(EventName.RECOVERY_STARTED, actor=as_actor(user), origin=origin, target=target, detail=detail)
    return wait


def _begin(device: SecondFactor, now: datetime) -> SecondFactorRecovery:
    days = profiles.active().login.second_factor_recovery_days or 0
    times = {"started_at": now, "ends_at": now + timedelta(days=days)}
    wait, is_new = SecondFactorRecovery.objects.get_or_create(device=device, defaults=times)
    if not is_new:
        raise Conflict("totp", "the second factor of this account is already being removed")
    return wait


def _queue_notices(user: User, wait: SecondFactorRecovery, origin: Origin) -> None:
    """Queue notices for now and for before the end, to the address and to old ones that can be restored."""
    old = EmailUndo.objects.filter(user=user, expires_at__gt=origin.at).values_list("email", flat=True)
    for address in {user.email, *old}:
        for due_at in (origin.at, max(origin.at + LAST_NOTICE, wait.ends_at - LAST_NOTICE)):
            if due_at < wait.ends_at:
                queue_mail(
                    kind=MailKind.RECOVERY_WAITS, address=address, about=wait.pk, origin=origin, due_at=due_at
                )


def prepare_recovery_notice(mail: Mail, origin: Origin) -> Message | None:
    """Make the notice that says when the second factor is removed; None if the wait is over."""
    wait = SecondFactorRecovery.objects.filter(pk=mail.about).first()
    if wait is None:
        return None
    return Message(mail.address, Template.RECOVERY_WAITS, {"ends_at": wait.ends_at, "ip": mail.ip})


def finish_recoveries() -> int:
    """Remove the second factors whose wait is over; return how many.

    Several servers can share the work, because each locks one person at a time.
    """
    origin = Origin("", "", timezone.now())
    due = SecondFactorRecovery.objects.filter(ends_at__lte=origin.at)
    people = list(due.values_list("device__user_id", flat=True))
    return sum(_finish(number, origin) for number in people)


def _finish(number: int, origin: Origin) -> bool:
    """Remove one person's second factor if their wait still exists and they may still recover."""
    with transaction.atomic():
        user = User.objects.select_for_update().filter(pk=number).first()
        wait = SecondFactorRecovery.objects.filter(device__user=number).first()
        if user is None or wait is None:
            return False
        target = Target.of("user", user)
        if not may_recover(user):
            wait.delete()
            detail = {"by": "a role or a rule that wants a second factor"}
            record(EventName.RECOVERY_STOPPED, actor=ANONYMOUS, origin=origin, target=target, detail=detail)
            return False
        take_away(user, origin)
        detail = {"by": "recovery"}
        record(EventName.SECOND_FACTOR_REMOVED, actor=ANONYMOUS, origin=origin, target=target, detail=detail)
    return True
