"""Use cases of the second factor: add one, remove it, get other recovery codes."""

import io
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

import segno
from django.db import transaction
from django.db.models import Q

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
    MailKind.SECOND_FACTOR_ADDED: "A second factor was added to your account",
    MailKind.SECOND_FACTOR_REMOVED: "The second factor of your account was removed",
    MailKind.RECOVERY_STOPPED: "The removal of the second factor of your account was stopped by a code of it",
    MailKind.RECOVERY_CODES_REPLACED: "The recovery codes of your account were replaced by others",
}


class Enrolment(NamedTuple):
    """What an authenticator app needs, for the only time: as text, as an address, as a QR code."""

    secret: str
    otpauth_uri: str
    qr_svg: str


def begin_enrolment(*, caller: Caller, password: str) -> Enrolment:
    """Make a seed for the caller's app. It is not in force until a code of it is confirmed.

    Beginning again makes another one. Raises WrongProof, or Conflict if there is a second factor in force.
    """
    user = _proven(caller, password)
    seed = totp.new_seed()
    with transaction.atomic():
        _hold_as_proven(user)
        if has_second_factor(user):
            raise Conflict("totp", "there is a second factor already; remove it first")
        values = {"seed": seed_encryption.encrypt(seed), "last_step": 0}
        SecondFactor.objects.update_or_create(user=user, defaults=values)
        _record(EventName.SECOND_FACTOR_STARTED, caller, user)
    product = profiles.active().product.name
    address = totp.uri(seed, product=product, account=str(user))
    return Enrolment(totp.spelled(seed), address, qr_svg(address))


def qr_svg(text: str) -> str:
    """Return a QR code as an SVG document, dark on light wherever it is shown, without styles."""
    picture = io.BytesIO()
    segno.make(text, error="m").save(picture, kind="svg", scale=5, light="#fff", xmldecl=False, nl=False)
    return picture.getvalue().decode()


def confirm_enrolment(*, caller: Caller, code: str) -> list[str]:
    """Put the caller's second factor in force, and return its recovery codes for the only time.

    The login in which that happens counts as one with a second factor. All others were opened without one,
    and end; so do logins to the admin and what was allowed to OAuth2 clients. Raises TooManyAttempts, Invalid
    for a wrong code, which is recorded, or Conflict if there is nothing to confirm.
    """
    user = person_of(caller)
    if not SecondFactor.objects.filter(user=user, confirmed=False).exists():
        raise Conflict("totp", "there is no second factor to confirm; begin with the password")
    if not check_code(user=user, code=code, origin=caller.origin, enrolling=True):
        _record(EventName.SECOND_FACTOR_REFUSED, caller, user, {"reason": "wrong code"})
        raise Invalid("code", "is wrong, or no longer good")
    with transaction.atomic():
        lock(user)
        if not SecondFactor.objects.filter(user=user, confirmed=False, last_step__gt=0).update(
            confirmed=True, confirmed_at=caller.origin.at
        ):
            raise Conflict("totp", "somebody has just begun anew")
        codes = _replace_recovery_codes(user, caller.origin.at)
        _end_what_was_opened_without(user, caller)
        _tell(MailKind.SECOND_FACTOR_ADDED, user, caller.origin)
        _record(EventName.SECOND_FACTOR_ADDED, caller, user)
    return codes


def _end_what_was_opened_without(user: User, caller: Caller) -> None:
    """End all consents of a person, and all logins but the caller's, which proved the second factor."""
    hooks.tell(hooks.access_ended, user)
    credential = caller.principal.credential
    here = Q(uuid=credential.id) if credential.kind == "jwt" else Q(pk=None)
    end_all_sessions(user, caller.origin.at, but=here)
    Session.objects.filter(here, user=user).update(second_factor=True)
    User.objects.filter(pk=user.pk).update(logged_in_anew=True)  # the caller's browser, in the admin


def remove_own_second_factor(*, caller: Caller, password: str, code: str) -> None:
    """Remove the caller's second factor. Raises WrongProof, or Conflict if there is none."""
    user = _proven(caller, password, code)
    with transaction.atomic():
        _hold_as_proven(user)
        _remove(caller, [user])


def remove_second_factors(*, caller: Caller, selected: Collection[User]) -> int:
    """Remove the second factor of others, because they have lost it: of all of them, or of none.

    Return of how many. Raises NotAllowed, NotFound, Invalid for one's own, or Conflict if somebody has none.
    """
    authority.check_may_manage_users(caller)
    authority.check_is_person(caller, "A program removes no second factor: log in for that.")
    numbers = {user.pk for user in selected}
    if caller.principal.user_id in numbers:
        raise Invalid("user", "your own is not removed here, but where you prove that it is you")
    with transaction.atomic():
        rows = list(User.objects.select_for_update().filter(pk__in=numbers).order_by("pk"))
        if len(rows) != len(numbers):
            raise NotFound("Somebody is not there any more.")
        for row in rows:
            authority.check_not_above(caller, row)
        _remove(caller, rows)
    return len(rows)


def replace_recovery_codes(*, caller: Caller, password: str, code: str) -> list[str]:
    """Make other recovery codes, and return them for the only time; those before are worthless.

    Raises WrongProof, or Conflict if there is no second factor.
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
    """Tell the owner of a second factor that something about it was changed (ASVS 6.3.7)."""
    values = {"what": WHAT_HAPPENED[mail.kind], "at": mail.created_at}
    return Message(mail.address, Template.SECOND_FACTOR_CHANGED, values)


def _proven(caller: Caller, password: str, code: str | None = None) -> User:
    """Return the caller, who has shown the password, and a code if one is asked for (ASVS 7.5.1).

    Raises TooManyAttempts, WrongProof, which is recorded, or Conflict if there is no second factor to
    have a code of.
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
    return Conflict("totp", "there is no second factor")


def _hold_as_proven(user: User) -> None:
    """Lock the person. Raises WrongProof if somebody has just changed the password that was shown."""
    if lock(user).password != user.password:
        raise WrongProof(WRONG_PROOF)


def _remove(caller: Caller, people: Collection[User]) -> None:
    """Take the second factors away, and record that last: who records may wait for no row any more."""
    for user in people:
        take_away(user, caller.origin)
    entries = [Entry(EventName.SECOND_FACTOR_REMOVED, Target.of("user", user)) for user in people]
    record_all(entries, actor=caller.principal.actor, origin=caller.origin)


def take_away(user: User, origin: Origin) -> None:
    """Delete the second factor and tell its owner, in the transaction of a caller who records it.

    No session and no consent counts as having proven it any more. Raises Conflict if there is none.
    """
    removed, _ = SecondFactor.objects.filter(user=user, confirmed=True).delete()
    if not removed:
        raise _none()
    RecoveryCode.objects.filter(user=user).delete()
    Session.objects.filter(user=user, second_factor=True).update(second_factor=False)
    hooks.tell(hooks.second_factor_removed, user)
    _tell(MailKind.SECOND_FACTOR_REMOVED, user, origin)


def _replace_recovery_codes(user: User, now: datetime) -> list[str]:
    """Store new codes in the place of any others, and return them as people keep them."""
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
