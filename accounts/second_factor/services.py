"""Use cases of the second factor: add it, remove it, replace the recovery codes."""

import io
from collections.abc import Collection, Mapping
from typing import NamedTuple

import segno
from django.db import transaction
from django.utils.translation import gettext_noop

from access.principals import Caller
from accounts.mail.messages import MailKind, Message, Template
from accounts.mail.outbox import queue_mail
from accounts.models import Mail, SecondFactor, User
from accounts.passkeys.verification import Answer
from accounts.second_factor import seed_encryption, totp
from accounts.second_factor.authority import check_may_help, lock_people
from accounts.second_factor.coming_and_going import end_what_was_opened_without, take_app_away, take_away
from accounts.second_factor.proof import (
    hold_as_proven,
    no_second_factor,
    prove_factor,
    prove_password,
    prove_second_factor,
    record_of,
)
from accounts.second_factor.recovery_codes import make_recovery_codes
from accounts.second_factor.verification import app_of, check_code, has_second_factor
from accounts.users.lookups import lock, person_of
from audit.actors import Origin, Target
from audit.events import EventName
from audit.log import Entry, record_all
from config import profiles
from config.wire.errors import Conflict, Invalid

WHAT_HAPPENED: Mapping[str, str] = {
    MailKind.SECOND_FACTOR_ADDED: gettext_noop("A second factor was added to your account"),
    MailKind.SECOND_FACTOR_REMOVED: gettext_noop("The second factor of your account was removed"),
    MailKind.PASSKEY_ADDED: gettext_noop("A passkey was added to your account"),
    MailKind.PASSKEY_REMOVED: gettext_noop("A passkey of your account was removed"),
    MailKind.RECOVERY_STOPPED: gettext_noop(
        "A code stopped the removal of the second factor of your account"
    ),
    MailKind.RECOVERY_CODES_REPLACED: gettext_noop("The recovery codes of your account were replaced"),
}


class Enrolment(NamedTuple):
    """The secret for an authenticator app, as text, as a URI and as a QR code. It is shown only once."""

    secret: str
    otpauth_uri: str
    qr_svg: str


def begin_enrolment(
    *, caller: Caller, password: str, code: str = "", passkey: Answer | None = None
) -> Enrolment:
    """Make a seed for the caller's app. It counts once the caller confirms it with a code.

    Beginning again makes a new seed. People with passkeys show one of them, or a recovery code. Raises
    TooManyAttempts, WrongProof, or Conflict if the caller already has an app.
    """
    user = prove_password(caller, password)
    _check_has_no_app(user)
    prove_factor(caller, user, code, passkey)
    seed = totp.new_seed()
    with transaction.atomic():
        hold_as_proven(user)
        _check_has_no_app(user)
        _store(user, seed)
        record_of(EventName.SECOND_FACTOR_STARTED, caller, user)
    return enrolment(user, seed)


def _check_has_no_app(user: User) -> None:
    if app_of(user) is not None:
        raise Conflict("totp", "you already have a second factor; remove it first")


def _store(user: User, seed: bytes) -> None:
    values = {"seed": seed_encryption.encrypt(seed), "last_step": 0, "confirmed_at": None}
    SecondFactor.objects.update_or_create(user=user, defaults=values)


def enrolment(user: User, seed: bytes) -> Enrolment:
    """Return the seed as the person's app takes it."""
    address = totp.uri(seed, product=profiles.active().product.name, account=str(user))
    return Enrolment(totp.spelled(seed), address, qr_svg(address))


def qr_svg(text: str) -> str:
    """Return a QR code as an SVG document: dark on light in any theme, without styles."""
    picture = io.BytesIO()
    segno.make(text, error="m").save(picture, kind="svg", scale=5, light="#fff", xmldecl=False, nl=False)
    return picture.getvalue().decode()


def confirm_enrolment(*, caller: Caller, code: str) -> list[str]:
    """Confirm the caller's app with a code; return the recovery codes, which are shown only once.

    The caller's login counts as one with a second factor from now on. All other logins
    and all consents to OAuth2 clients end, because they were opened without it. Raises TooManyAttempts,
    Invalid for a wrong code, which is recorded, or Conflict if no app waits for confirmation.
    """
    user = person_of(caller)
    waiting = SecondFactor.objects.filter(user=user, confirmed_at=None).exclude(seed="")
    if not waiting.exists():
        raise Conflict("totp", "no second factor waits for confirmation; begin with your password")
    if not check_code(user=user, code=code, origin=caller.origin, enrolling=True):
        record_of(EventName.SECOND_FACTOR_REFUSED, caller, user, {"reason": "wrong code"})
        raise Invalid("code", "is wrong or has expired")
    with transaction.atomic():
        lock(user)
        if not waiting.filter(last_step__gt=0).update(confirmed=True, confirmed_at=caller.origin.at):
            raise Conflict("totp", "the setup was just started again; use a code of the new secret")
        codes = make_recovery_codes(user, caller.origin.at)
        end_what_was_opened_without(user, caller)
        queue_mail(kind=MailKind.SECOND_FACTOR_ADDED, address=user.email, origin=caller.origin)
        record_of(EventName.SECOND_FACTOR_ADDED, caller, user)
    return codes


def remove_own_second_factor(
    *, caller: Caller, password: str, code: str = "", passkey: Answer | None = None
) -> None:
    """Remove the caller's app; passkeys stay. Raises TooManyAttempts, WrongProof, or Conflict without one."""
    user = prove_second_factor(caller, password, code, passkey)
    with transaction.atomic():
        hold_as_proven(user)
        take_app_away(user, caller)
        record_of(EventName.SECOND_FACTOR_REMOVED, caller, user)


def remove_second_factors(*, caller: Caller, selected: Collection[User]) -> int:
    """Remove apps, passkeys and recovery codes of other people who have lost them, all or none.

    Return of how many people. Raises NotAllowed, FreshProofRequired, NotFound, Invalid for the caller's own,
    or Conflict if a person has no second factor.
    """
    numbers = {user.pk for user in selected}
    check_may_help(caller, numbers)
    with transaction.atomic():
        rows = lock_people(caller, numbers)
        _remove(caller, rows)
    return len(rows)


def replace_recovery_codes(
    *, caller: Caller, password: str, code: str = "", passkey: Answer | None = None
) -> list[str]:
    """Replace the caller's recovery codes; return the new ones, which are shown only once.

    Raises TooManyAttempts, WrongProof, or Conflict if the caller has no second factor.
    """
    user = prove_second_factor(caller, password, code, passkey)
    with transaction.atomic():
        hold_as_proven(user)
        if not has_second_factor(user):
            raise no_second_factor()
        codes = make_recovery_codes(user, caller.origin.at)
        queue_mail(kind=MailKind.RECOVERY_CODES_REPLACED, address=user.email, origin=caller.origin)
        record_of(EventName.RECOVERY_CODES_REPLACED, caller, user)
    return codes


def prepare_second_factor_notice(mail: Mail, origin: Origin) -> Message:
    """Make the mail that tells the owner what was changed about their second factor (ASVS 6.3.7)."""
    values = {"what": WHAT_HAPPENED[mail.kind], "at": mail.created_at}
    return Message(mail.address, Template.SECOND_FACTOR_CHANGED, values)


def _remove(caller: Caller, people: Collection[User]) -> None:
    """Remove the second factors, then record it: recording comes last, because it must not wait for rows."""
    for user in people:
        take_away(user, caller.origin)
    entries = [Entry(EventName.SECOND_FACTOR_REMOVED, Target.of("user", user)) for user in people]
    record_all(entries, actor=caller.principal.actor, origin=caller.origin)
