"""Codes of the second factor are checked here and nowhere else: right, and never seen before."""

import logging
from typing import Literal

from django.conf import settings

from accounts import seeds, totp
from accounts.models import RecoveryCode, SecondFactor, User
from accounts.services.throttle import attempt, succeeded
from audit.actors import Origin, Target
from config.limits import Limit

log = logging.getLogger("keyhouse.codes")

Spent = Literal["totp", "recovery code"]


def device_of(user: User) -> int | None:
    """Return the number of the person's second factor that is in force, or None."""
    found: int | None = (
        SecondFactor.objects.filter(user=user, confirmed=True).values_list("pk", flat=True).first()
    )
    return found


def has_second_factor(user: User) -> bool:
    """Whether the person has one that is in force."""
    return device_of(user) is not None


def check_code(*, user: User, code: str, origin: Origin, enrolling: bool = False) -> Spent | None:
    """Spend a code of the person's app, or a recovery code; return which it was, None if it is no good.

    `enrolling` is for the app that is to be confirmed, which has no recovery codes yet. Of many who send
    one code at once, one succeeds: spending is a conditional statement. Call it outside of a transaction,
    so that what is spent stays spent. Raises TooManyAttempts, counted for the person across all logins.
    """
    subject = str(user.uuid)
    attempt(Limit.CODE, subject=subject, origin=origin, target=Target.of("user", user))
    spent = _spend(user, code, origin, enrolling=enrolling)
    if spent is not None:
        succeeded(Limit.CODE, subject=subject, origin=origin)
    return spent


def _spend(user: User, code: str, origin: Origin, *, enrolling: bool) -> Spent | None:
    if _spend_step(user, code, origin, confirmed=not enrolling):
        return "totp"
    return "recovery code" if not enrolling and _spend_recovery_code(user, code) else None


def _spend_step(user: User, code: str, origin: Origin, *, confirmed: bool) -> bool:
    """Spend the time step whose code this is, and all before it. The seed is stored under the current key."""
    device = SecondFactor.objects.filter(user=user, confirmed=confirmed).first()
    if device is None:
        return False
    seed = seeds.decrypt(device.seed)
    if seed is None:
        log.error("%s is encrypted under none of KEYHOUSE_SEED_KEYS", device)
        return False
    step = totp.step_of(seed, code, origin.at)
    if step is None:
        return False
    # The seed too: whoever begins anew meanwhile gets an app of which no code was spent.
    unspent = SecondFactor.objects.filter(pk=device.pk, seed=device.seed, last_step__lt=step)
    return bool(unspent.update(last_step=step, last_used_at=origin.at, seed=seeds.encrypt(seed)))


def _spend_recovery_code(user: User, text: str) -> bool:
    code = totp.read_recovery_code(text)
    if code is None:
        return False
    digests = [totp.recovery_digest(code, pepper) for pepper in settings.PEPPERS.values()]
    spent, _ = RecoveryCode.objects.filter(user=user, digest__in=digests).delete()
    return bool(spent)
