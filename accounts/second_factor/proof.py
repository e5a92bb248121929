"""The fresh proof that changing a second factor needs: the password, and a code or a passkey (ASVS 7.5.1)."""

from collections.abc import Mapping

from django.utils.translation import gettext_noop

from access.principals import Caller
from accounts.models import User
from accounts.passkeys.verification import Answer, WrongPasskey, check_proof
from accounts.second_factor.verification import check_code, has_second_factor
from accounts.users.lookups import lock, person_of
from accounts.users.profile.services import knows_password
from audit.actors import Target
from audit.events import EventName
from audit.log import record
from config.wire.errors import Conflict, WrongProof

WRONG_PROOF = gettext_noop("The password or the code is wrong.")


def prove(caller: Caller, password: str, code: str = "", passkey: Answer | None = None) -> User:
    """Return the caller if the password is right, and the code or the passkey of those who have one.

    Raises TooManyAttempts, WrongProof, which is recorded, or PasskeyRefused for an answer to no challenge of
    ours.
    """
    user = prove_password(caller, password)
    prove_factor(caller, user, code, passkey)
    return user


def prove_password(caller: Caller, password: str) -> User:
    """Return the caller if the password is right. Raises TooManyAttempts or WrongProof."""
    user = person_of(caller)
    if not knows_password(caller, user, password):
        raise _wrong(caller, user, "wrong password")
    return user


def prove_factor(caller: Caller, user: User, code: str, passkey: Answer | None) -> None:
    """Check the code or the passkey of a person who has a second factor. Raises as `prove`."""
    if not has_second_factor(user):
        return
    if passkey is None:
        if not check_code(user=user, code=code, origin=caller.origin):
            raise _wrong(caller, user, "wrong code")
        return
    try:
        check_proof(user, passkey, caller.origin)
    except WrongPasskey as error:
        raise _wrong(caller, user, error.reason) from None


def prove_second_factor(caller: Caller, password: str, code: str, passkey: Answer | None) -> User:
    """Prove as `prove` does. Raises Conflict for a person without a second factor."""
    user = prove(caller, password, code, passkey)
    if not has_second_factor(user):
        raise no_second_factor()
    return user


def no_second_factor() -> Conflict:
    """Return the error for a person who has none."""
    return Conflict("totp", "this account has no second factor")


def hold_as_proven(user: User) -> None:
    """Lock the person. Raises WrongProof if the password was just changed."""
    if lock(user).password != user.password:
        raise WrongProof(WRONG_PROOF)


def record_of(name: EventName, caller: Caller, user: User, detail: Mapping[str, str] | None = None) -> None:
    """Record an event about the person."""
    actor, target = caller.principal.actor, Target.of("user", user)
    record(name, actor=actor, origin=caller.origin, target=target, detail=detail)


def _wrong(caller: Caller, user: User, reason: str) -> WrongProof:
    record_of(EventName.SECOND_FACTOR_REFUSED, caller, user, {"reason": reason})
    return WrongProof(WRONG_PROOF)
