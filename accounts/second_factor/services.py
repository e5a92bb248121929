"""Use cases of the second factor: add it, remove it, replace the recovery codes."""

import io
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

import segno
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_noop

from access import peppers
from access.principals import Caller
from accounts import hooks
from accounts.mail.messages import MailKind, Message, Template
from accounts.mail.outbox import queue_mail
from accounts.models import Mail, RecoveryCode, SecondFactor, Session, User
from accounts.second_factor import seed_encryption, totp
from accounts.second_factor.verification import check_code, has_second_factor
from accounts.sessions.termination import end_all_sessions
from accounts.users import authority
from accounts.users.lookups import lock, person_of
from accounts.users.profile.services import knows_password
from audit.actors import Origin, Target
from audit.events import EventName
from audit.log import Entry, record, record_all
from config import profiles
from config.wire.errors import Conflict, Invalid, NotFound, WrongProof

WRONG_PROOF = "The password or the code is wrong."
WHAT_HAPPENED: Mapping[str, str] = {
    MailKind.SECOND_FACTOR_ADDED: gettext_noop("A second factor was added to your account"),
    MailKind.SECOND_FACTOR_REMOVED: gettext_noop("The second factor of your account was removed"),
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


def begin_enrolment(*, caller: Caller, password: str) -> Enrolment:
    """Make a seed for the caller's app. It counts once the caller confirms it with a code.

    Beginning again makes a new seed. Raises TooManyAttempts, WrongProof, or Conflict if the caller already
    has a second factor.
    """
    user = _proven(caller, password)
    seed = totp.new_seed()
    with transaction.atomic():
        _hold_as_proven(user)
        if has_second_factor(user):
            raise Conflict("totp", "you already have a second factor; remove it first")
        _store(user, seed)
        _record(EventName.SECOND_FACTOR_STARTED, caller, user)
    return _enrolment(user, seed)


def begin_replacement(*, caller: Caller, password: str, code: str) -> Enrolment:
    """Remove the caller's second factor and make a seed for another app, which counts once confirmed.

    Raises TooManyAttempts, WrongProof, or Conflict if the caller has no second factor.
    """
    user = _proven(caller, password, code)
    seed = totp.new_seed()
    with transaction.atomic():
        _hold_as_proven(user)
        take_away(user, caller.origin)
        _store(user, seed)
        events = (EventName.SECOND_FACTOR_REMOVED, EventName.SECOND_FACTOR_STARTED)
        entries = [Entry(event, Target.of("user", user)) for event in events]
        record_all(entries, actor=caller.principal.actor, origin=caller.origin)
    return _enrolment(user, seed)


def _store(user: User, seed: bytes) -> None:
    values = {"seed": seed_encryption.encrypt(seed), "last_step": 0}
    SecondFactor.objects.update_or_create(user=user, defaults=values)


def _enrolment(user: User, seed: bytes) -> Enrolment:
    address = totp.uri(seed, product=profiles.active().product.name, account=str(user))
    return Enrolment(totp.spelled(seed), address, qr_svg(address))


def qr_svg(text: str) -> str:
    """Return a QR code as an SVG document: dark on light in any theme, without styles."""
    picture = io.BytesIO()
    segno.make(text, error="m").save(picture, kind="svg", scale=5, light="#fff", xmldecl=False, nl=False)
    return picture.getvalue().decode()


def confirm_enrolment(*, caller: Caller, code: str) -> list[str]:
    """Confirm the caller's second factor with a code; return the recovery codes, which are shown only once.

    The caller's login counts as one with a second factor from now on. All other logins
    and all consents to OAuth2 clients end, because they were opened without it. Raises TooManyAttempts,
    Invalid for a wrong code, which is recorded, or Conflict if no second factor waits for confirmation.
    """
    user = person_of(caller)
    if not SecondFactor.objects.filter(user=user, confirmed=False).exists():
        raise Conflict("totp", "no second factor waits for confirmation; begin with your password")
    if not check_code(user=user, code=code, origin=caller.origin, enrolling=True):
        _record(EventName.SECOND_FACTOR_REFUSED, caller, user, {"reason": "wrong code"})
        raise Invalid("code", "is wrong or has expired")
    with transaction.atomic():
        lock(user)
        if not SecondFactor.objects.filter(user=user, confirmed=False, last_step__gt=0).update(
            confirmed=True, confirmed_at=caller.origin.at
        ):
            raise Conflict("totp", "the setup was just started again; use a code of the new secret")
        codes = _replace_recovery_codes(user, caller.origin.at)
        _end_what_was_opened_without(user, caller)
        _tell(MailKind.SECOND_FACTOR_ADDED, user, caller.origin)
        _record(EventName.SECOND_FACTOR_ADDED, caller, user)
    return codes


def _end_what_was_opened_without(user: User, caller: Caller) -> None:
    """End all consents and logins of a person, except the caller's login, which proved the second factor."""
    hooks.tell(hooks.access_ended, user)
    credential = caller.principal.credential
    here = Q(uuid=credential.id) if credential.kind == "jwt" else Q(pk=None)
    end_all_sessions(user, caller.origin.at, but=here)
    Session.objects.filter(here, user=user).update(second_factor=True)


def remove_own_second_factor(*, caller: Caller, password: str, code: str) -> None:
    """Remove the caller's second factor. Raises TooManyAttempts, WrongProof, or Conflict without one."""
    user = _proven(caller, password, code)
    with transaction.atomic():
        _hold_as_proven(user)
        _remove(caller, [user])


def remove_second_factors(*, caller: Caller, selected: Collection[User]) -> int:
    """Remove the second factors of other people who have lost them, all or none. Return how many.

    Raises NotAllowed, NotFound, Invalid for the caller's own, or Conflict if a person has no second factor.
    """
    authority.check_may_manage_users(caller)
    authority.check_is_person(caller, "Programs cannot remove a second factor: log in to do it.")
    numbers = {user.pk for user in selected}
    if caller.principal.user_id in numbers:
        raise Invalid(
            "user", "you cannot remove your own second factor here; use the Security page of your account"
        )
    with transaction.atomic():
        rows = list(User.objects.select_for_update().filter(pk__in=numbers).order_by("pk"))
        if len(rows) != len(numbers):
            raise NotFound("One of these people no longer exists.")
        for row in rows:
            authority.check_not_above(caller, row)
        _remove(caller, rows)
    return len(rows)


def replace_recovery_codes(*, caller: Caller, password: str, code: str) -> list[str]:
    """Replace the caller's recovery codes; return the new ones, which are shown only once.

    Raises TooManyAttempts, WrongProof, or Conflict if the caller has no second factor.
    """
    user = _proven(caller, password, code)
    with transaction.atomic():
        _hold_as_proven(user)
        if not has_second_factor(user):
            raise _none()
        codes = _replace_recovery_codes(user, caller.origin.at)
        _tell(MailKind.RECOVERY_CODES_REPLACED, user, caller.origin)
        _record(EventName.RECOVERY_CODES_REPLACED, caller, user)
    return codes


def prepare_second_factor_notice(mail: Mail, origin: Origin) -> Message:
    """Make the mail that tells the owner what was changed about their second factor (ASVS 6.3.7)."""
    values = {"what": WHAT_HAPPENED[mail.kind], "at": mail.created_at}
    return Message(mail.address, Template.SECOND_FACTOR_CHANGED, values)


def _proven(caller: Caller, password: str, code: str | None = None) -> User:
    """Return the caller if the password, and the code if one is given, are right (ASVS 7.5.1).

    Raises TooManyAttempts, WrongProof, which is recorded, or Conflict for a code without a second factor.
    """
    user = person_of(caller)
    if not knows_password(caller, user, password):
        raise _wrong_proof(caller, user, "wrong password")
    if code is None:
        return user
    if not has_second_factor(user):
        raise _none()
    if not check_code(user=user, code=code, origin=caller.origin):
        raise _wrong_proof(caller, user, "wrong code")
    return user


def _wrong_proof(caller: Caller, user: User, reason: str) -> WrongProof:
    _record(EventName.SECOND_FACTOR_REFUSED, caller, user, {"reason": reason})
    return WrongProof(WRONG_PROOF)


def _none() -> Conflict:
    return Conflict("totp", "this account has no second factor")


def _hold_as_proven(user: User) -> None:
    """Lock the person. Raises WrongProof if the password was just changed."""
    if lock(user).password != user.password:
        raise WrongProof(WRONG_PROOF)


def _remove(caller: Caller, people: Collection[User]) -> None:
    """Remove the second factors, then record it: recording comes last, because it must not wait for rows."""
    for user in people:
        take_away(user, caller.origin)
    entries = [Entry(EventName.SECOND_FACTOR_REMOVED, Target.of("user", user)) for user in people]
    record_all(entries, actor=caller.principal.actor, origin=caller.origin)


def take_away(user: User, origin: Origin) -> None:
    """Delete a second factor and tell its owner, in the caller's transaction; the caller records it.

    Sessions and consents no longer count as having proven it. Raises Conflict if the person has none.
    """
    removed, _ = SecondFactor.objects.filter(user=user, confirmed=True).delete()
    if not removed:
        raise _none()
    RecoveryCode.objects.filter(user=user).delete()
    Session.objects.filter(user=user, second_factor=True).update(second_factor=False)
    hooks.tell(hooks.second_factor_removed, user)
    _tell(MailKind.SECOND_FACTOR_REMOVED, user, origin)


def _replace_recovery_codes(user: User, now: datetime) -> list[str]:
    """Store new codes, which replace older ones, and return them as people write them down."""
    codes = totp.new_recovery_codes()
    number, pepper = peppers.current()
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user=user, digest=totp.recovery_digest(code, pepper), pepper=number, created_at=now)
        for code in codes
    )
    return [totp.grouped(code) for code in codes]


def _tell(kind: MailKind, user: User, origin: Origin) -> None:
    queue_mail(kind=kind, address=user.email, origin=origin)


def _record(name: EventName, caller: Caller, user: User, detail: Mapping[str, str] | None = None) -> None:
    actor, target = caller.principal.actor, Target.of("user", user)
    record(name, actor=actor, origin=caller.origin, target=target, detail=detail)
