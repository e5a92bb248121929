"""Logins while a second factor is being removed: only an old enough code works, and it stops the removal."""

from datetime import timedelta

from django.db import transaction

from accounts.mail.messages import MailKind
from accounts.mail.outbox import queue_mail
from accounts.models import SecondFactorRecovery, User
from accounts.second_factor.verification import Spent
from accounts.users.lookups import lock
from audit.actors import Actor, Origin, Target
from audit.events import EventName
from audit.log import record
from config.wire.errors import RecoveryUnderWay
from config.wire.fields import timestamp

OLD_ENOUGH = timedelta(days=30)


def is_waiting(user: User) -> bool:
    """Whether the person's second factor is being removed."""
    return SecondFactorRecovery.objects.filter(device__user=user).exists()


def stop_or_refuse(*, user: User, spent: Spent, actor: Actor, origin: Origin) -> None:
    """Stop a removal of the person's second factor if the spent code is old enough to do so.

    Its app or recovery code must have been OLD_ENOUGH when the removal began, so that an intruder's new app
    cannot stop it. Raises RecoveryUnderWay for a newer code.
    """
    wait = SecondFactorRecovery.objects.filter(device__user=user).first()
    if wait is None:
        return
    if spent.since > wait.started_at - OLD_ENOUGH:
        raise RecoveryUnderWay(wait.ends_at, timestamp(wait.ends_at))
    with transaction.atomic():
        lock(user)
        if SecondFactorRecovery.objects.filter(pk=wait.pk).delete()[0]:
            queue_mail(kind=MailKind.RECOVERY_STOPPED, address=user.email, origin=origin)
            target, detail = Target.of("user", user), {"by": spent.kind}
            record(EventName.RECOVERY_STOPPED, actor=actor, origin=origin, target=target, detail=detail)
