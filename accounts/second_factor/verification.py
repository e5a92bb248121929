"""The only place that checks codes of the second factor: right, and not used before."""

import logging
from datetime import datetime
from typing import Literal, NamedTuple

from django.conf import settings
from django.db import transaction

from accounts.models import RecoveryCode, SecondFactor, User
from accounts.second_factor import seed_encryption, totp
from accounts.throttling.services import attempt, succeeded
from audit.actors import Origin, Target
from config.limits import Limit

log = logging.getLogger("keyhouse.codes")


class Spent(NamedTuple):
    """A spent code or a used passkey, and since when its app, the code or the passkey has existed."""

    kind: Literal["totp", "recovery code", "passkey"]
    since: datetime


def device_of(user: User) -> int | None:
    """Return the primary key of the person's confirmed second factor, or None."""
    found: int | None = (
        SecondFactor.objects.filter(user=user, confirmed=True).values_list("pk", flat=True).first()
    )
    return found


def app_of(user: User) -> SecondFactor | None:
    """Return the person's second factor if it has a confirmed authenticator app."""
    device = SecondFactor.objects.filter(user=user).first()
    return device if device is not None and device.has_app else None


def has_second_factor(user: User) -> bool:
    """Whether the person has a confirmed second factor."""
    return device_of(user) is not None


def check_code(
    *, user: User, code: str, origin: Origin, enrolling: bool = False, spends: bool = True
) -> Spent | None:
    """Spend a code from the person's app or a recovery code. Return what was spent, or None if it is wrong.

    `enrolling` checks the app that is to be confirmed, which has no recovery codes yet. A conditional UPDATE
    spends the code, so only one of several simultaneous requests succeeds. Call it outside of a transaction,
    so that a rollback cannot undo it. Without `spends`, a right code stays good.

    Raises TooManyAttempts, which counts all logins of the person.
    """
    subject = str(user.uuid)
    attempt(Limit.CODE, subject=subject, origin=origin, target=Target.of("user", user))
    if spends:
        spent = _spend(user, code, origin, enrolling=enrolling)
    else:
        with transaction.atomic():
            spent = _spend(user, code, origin, enrolling=enrolling)
            transaction.set_rollback(True)
    if spent is not None:
        succeeded(Limit.CODE, subject=subject, origin=origin)
    return spent


def check_new_code(*, user: User, seed: bytes, code: str, origin: Origin) -> int | None:
    """Return the time step of a code from an app with this seed, or None if the code is wrong.

    The caller stores the step with the seed, which spends the code. Raises TooManyAttempts.
    """
    subject = str(user.uuid)
    attempt(Limit.CODE, subject=subject, origin=origin, target=Target.of("user", user))
    step = totp.step_of(seed, code, origin.at)
    if step is not None:
        succeeded(Limit.CODE, subject=subject, origin=origin)
    return step


def _spend(user: User, code: str, origin: Origin, *, enrolling: bool) -> Spent | None:
    spent = _spend_step(user, code, origin, confirmed=not enrolling)
    return spent or (None if enrolling else _spend_recovery_code(user, code))


def _spend_step(user: User, code: str, origin: Origin, *, confirmed: bool) -> Spent | None:
    """Spend the time step of this code, and all before it. Re-encrypts the seed with the current key."""
    device = SecondFactor.objects.filter(user=user, confirmed_at__isnull=not confirmed).first()
    if device is None:
        return None
    seed = seed_encryption.decrypt(device.seed)
    if seed is None:
        log.error("%s is encrypted under none of KEYHOUSE_SEED_KEYS", device)
        return None
    step = totp.step_of(seed, code, origin.at)
    if step is None:
        return None
    # The condition includes the seed: a setup that was started again meanwhile keeps its codes unspent.
    unspent = SecondFactor.objects.filter(pk=device.pk, seed=device.seed, last_step__lt=step)
    if not unspent.update(last_step=step, last_used_at=origin.at, seed=seed_encryption.encrypt(seed)):
        return None
    return Spent("totp", device.confirmed_at or origin.at)


def _spend_recovery_code(user: User, text: str) -> Spent | None:
    code = totp.read_recovery_code(text)
    if code is None:
        return None
    digests = [totp.recovery_digest(code, pepper) for pepper in settings.PEPPERS.values()]
    found = RecoveryCode.objects.filter(user=user, digest__in=digests).first()
    if found is None or not found.delete()[0]:
        return None
    return Spent("recovery code", found.created_at)
