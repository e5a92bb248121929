"""Use case: log in with a passkey, after the password or without one."""

from datetime import timedelta

from django.utils.translation import gettext_noop

from accounts.models import Organization, Session
from accounts.passkeys.challenges import Purpose
from accounts.passkeys.verification import Answer, Answered, WrongPasskey, check_login
from accounts.second_factor.verification import Spent
from accounts.sessions.identity import as_proof, record_failure
from accounts.sessions.services import open_proven
from audit.actors import Origin
from config.wire.errors import InvalidCredentials

WRONG = gettext_noop("The passkey was not accepted. Try again, or log in with your password.")
NOT_VERIFIED = gettext_noop(
    "The passkey did not check a PIN, a fingerprint or a face. Log in with your password, and then use it."
)


def open_session_with_passkey(
    *,
    answer: Answer,
    origin: Origin,
    user_agent: str,
    longest: timedelta,
    vouched_by: Organization | None = None,
) -> Session:
    """Open a session that counts as one with a second factor; it ends after `longest` at the latest.

    `vouched_by` is as in `open_proven`.

    Without a password, the authenticator must have verified the person, which makes two factors (NIST SP
    800-63B-4 section 3.1.7). Raises PasskeyRefused for an answer to no challenge of ours, TooManyAttempts,
    InvalidCredentials, which is recorded, RecoveryUnderWay or ProviderRequired.
    """
    try:
        answered = check_login(answer, origin)
    except WrongPasskey as error:
        record_failure(error.user, origin, error.reason)
        raise InvalidCredentials(WRONG) from None
    passkey, user = answered.passkey, answered.passkey.user
    _check_may_log_in(answered, origin)
    spent = Spent("passkey", passkey.created_at)
    proof = as_proof(user, spent, passkey.second_factor_id, origin)
    return open_proven(
        user,
        proof,
        origin=origin,
        user_agent=user_agent,
        refresh_id=None,
        longest=longest,
        vouched_by=vouched_by,
    )


def _check_may_log_in(answered: Answered, origin: Origin) -> None:
    user = answered.passkey.user
    if not user.is_active:
        record_failure(user, origin, "inactive")
        raise InvalidCredentials(WRONG)
    if answered.purpose == Purpose.LOGIN and not answered.is_user_verified:
        record_failure(user, origin, "passkey without user verification")
        raise InvalidCredentials(NOT_VERIFIED)
