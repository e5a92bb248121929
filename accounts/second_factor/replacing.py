"""Use cases of people who replace their authenticator app: it works until the new one is confirmed."""

from django.db import transaction
from django.db.models import QuerySet

from access.principals import Caller
from accounts.mail.messages import MailKind
from accounts.mail.outbox import queue_mail
from accounts.models import SecondFactor, User
from accounts.passkeys.verification import Answer
from accounts.second_factor import seed_encryption, totp
from accounts.second_factor.coming_and_going import end_what_was_opened_without
from accounts.second_factor.proof import hold_as_proven, prove_second_factor, record_of
from accounts.second_factor.recovery_codes import make_recovery_codes
from accounts.second_factor.services import Enrolment, enrolment
from accounts.second_factor.verification import check_new_code
from accounts.users.lookups import lock, person_of
from audit.actors import Target
from audit.events import EventName
from audit.log import Entry, record_all
from config.wire.errors import Conflict, Invalid


def begin_replacement(
    *, caller: Caller, password: str, code: str = "", passkey: Answer | None = None
) -> Enrolment:
    """Make a seed for the app that will replace the caller's. Beginning again makes a new seed.

    Raises TooManyAttempts, WrongProof, or Conflict if the caller has no app.
    """
    user = prove_second_factor(caller, password, code, passkey)
    seed = totp.new_seed()
    with transaction.atomic():
        hold_as_proven(user)
        if not _present(user).update(new_seed=seed_encryption.encrypt(seed)):
            raise Conflict("totp", "this account has no authenticator app")
        record_of(EventName.SECOND_FACTOR_STARTED, caller, user)
    return enrolment(user, seed)


def is_replacing(user: User) -> bool:
    """Whether a new app waits for its confirmation."""
    return _present(user).exclude(new_seed="").exists()


def confirm_replacement(*, caller: Caller, code: str) -> list[str]:
    """Put the new app in the place of the present one; return the new recovery codes, shown only once.

    The codes of the present app and its recovery codes stop working. As after `confirm_enrolment`, all logins
    but the caller's end, and all consents. Raises TooManyAttempts, Invalid for a wrong code, which is
    recorded, or Conflict if no app waits for confirmation.
    """
    user = person_of(caller)
    stored = _present(user).values_list("new_seed", flat=True).first()
    seed = seed_encryption.decrypt(stored) if stored else None
    if seed is None:
        raise Conflict("totp", "no second factor waits for confirmation; begin with your password")
    origin, target = caller.origin, Target.of("user", user)
    step = check_new_code(user=user, seed=seed, code=code, origin=origin)
    if step is None:
        record_of(EventName.SECOND_FACTOR_REFUSED, caller, user, {"reason": "wrong code"})
        raise Invalid("code", "is wrong or has expired")
    with transaction.atomic():
        lock(user)
        values = {"seed": seed_encryption.encrypt(seed), "new_seed": "", "last_step": step}
        times = {"confirmed_at": origin.at, "last_used_at": origin.at}
        if not _present(user).filter(new_seed=stored).update(**values, **times):
            raise Conflict("totp", "the setup was just started again; use a code of the new secret")
        codes = make_recovery_codes(user, origin.at)
        end_what_was_opened_without(user, caller)
        for kind in (MailKind.SECOND_FACTOR_REMOVED, MailKind.SECOND_FACTOR_ADDED):
            queue_mail(kind=kind, address=user.email, origin=origin)
        events = (EventName.SECOND_FACTOR_REMOVED, EventName.SECOND_FACTOR_ADDED)
        record_all([Entry(event, target) for event in events], actor=caller.principal.actor, origin=origin)
    return codes


def _present(user: User) -> QuerySet[SecondFactor]:
    return SecondFactor.objects.filter(user=user, confirmed=True, confirmed_at__isnull=False).exclude(seed="")
