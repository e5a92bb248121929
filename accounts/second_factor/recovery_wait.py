"""Logging in while a second factor is being removed: a code that is old enough stops that, no other works."""

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
    """Stop the removal of the person's second factor, if there is one and the spent code may.

    A code may if its app, or the recovery code, was at least OLD_ENOUGH when the removal began: an intruder
    who added it since cannot. Raises RecoveryUnderWay.
    """
    wait = SecondFactorRecovery.objects.filter(device__user=user).first()
    if wait is None:
        return
    if spent.since > wait.started_at - OLD_ENOUGH:
        raise RecoveryUnderWay(timestamp(wait.ends_at))
    with transaction.atomic():
        lock(user)
        if SecondFactorRecovery.objects.filter(pk=wait.pk).delete()[0]:
            queue_mail(kind=MailKind.RECOVERY_STOPPED, address=user.email, origin=origin)
            target, detail = Target.of("user", user), {"by": spent.kind}
            record(EventName.RECOVERY_STOPPED, actor=actor, origin=origin, target=target, detail=detail)
