"""The errors of services. `config.wire.problems` turns them into responses."""

from collections.abc import Mapping
from datetime import datetime

MOST_ERRORS = 20  # in one response, so that it stays small
MINUTES_FROM = 120  # seconds; shorter waits are said in seconds


class Sentence(str):
    """A text with values, as in `Sentence("must be at most %(most)d", most=3)`, which pages can translate.

    The API shows it as it is, in English.
    """

    template: str
    values: Mapping[str, object]

    def __new__(cls, template: str, **values: object) -> "Sentence":
        sentence = super().__new__(cls, template % values)
        sentence.template, sentence.values = template, values
        return sentence


class DomainError(Exception):
    """A service refused to do something. `detail` says why in a sentence, `errors` by canonical member."""

    status = 400
    code = "invalid_request"

    def __init__(self, detail: str, *, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = dict(errors or {})


class Invalid(DomainError):
    """A value is wrong. Names the member, and what would be right."""

    code = "invalid"

    def __init__(self, member: str, reason: str) -> None:
        super().__init__(f"{member}: {reason}", errors={member: reason})


class BadQuery(Invalid):
    """A page got an unknown query parameter, or a wrong value."""


class Conflict(DomainError):
    """The value is taken, or the object's state does not allow this."""

    status = 409
    code = "conflict"

    def __init__(self, member: str, reason: str) -> None:
        super().__init__(f"{member}: {reason}", errors={member: reason})


class StillRunning(DomainError):
    """The first request with this Idempotency-Key has not ended. The caller may repeat theirs later."""

    status = 409
    code = "still_running"

    def __init__(self) -> None:
        super().__init__("The first request with this Idempotency-Key is still running. Try again shortly.")


class IdempotencyKeyReused(DomainError):
    """The first request with this Idempotency-Key sent something else."""

    status = 422
    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__(
            "The first request with this Idempotency-Key sent other members. Send those again, or a new "
            "Idempotency-Key."
        )


class Gone(DomainError):
    """What the request refers to existed once, and does not any more."""

    status = 410
    code = "gone"


class PreconditionFailed(DomainError):
    """The row was edited since the client read it (RFC 9110 section 15.5.13). `etag` is its tag now.

    `is_weak` if the client has sent that tag as a weak one.
    """

    status = 412
    code = "precondition_failed"

    def __init__(self, etag: str, *, is_weak: bool) -> None:
        edited = "this was edited since you read it. Read it again before you change it"
        weak = "a weak tag never matches. Send it without W/, or do not compress answers on their way"
        super().__init__(f"If-Match: {weak if is_weak else edited}. The ETag is now {etag}.")
        self.headers = {"ETag": etag}


class NotFound(DomainError):
    """The object does not exist, or the caller may not know that it does."""

    status = 404
    code = "not_found"


class NotAllowed(DomainError):
    """The caller is known, but may not do this."""

    status = 403
    code = "not_allowed"


class SecondFactorRequired(NotAllowed):
    """The caller's role allows this only after a login with a second factor."""

    code = "second_factor_required"

    def __init__(self) -> None:
        words = Sentence(
            "This needs a login with a second factor. Add an authenticator app (POST auth/totp, or at "
            "/account/security), then log in with a code from it (totp_code)."
        )
        super().__init__(words)


class InsufficientScope(NotAllowed):
    """The credential lacks a scope (RFC 6750 section 3.1). `scopes` are the ones needed."""

    code = "insufficient_scope"

    def __init__(self, scopes: list[str]) -> None:
        super().__init__(f"This needs the scope {' '.join(scopes)}." if scopes else "No scope allows this.")
        self.scopes = scopes


class InvalidCredentials(DomainError):
    """The login was refused. Clients get one answer for all reasons; the audit log has the reason."""

    status = 401
    code = "invalid_credentials"

    def __init__(self, detail: str = "The credentials are not valid.") -> None:
        super().__init__(detail)


class FreshProofRequired(DomainError):
    """The caller logged in more than `max_age` seconds ago, too long for this (RFC 9470)."""

    status = 401
    code = "insufficient_user_authentication"

    def __init__(self, max_age: int) -> None:
        words = Sentence("Log in again. For this your login may be at most %(age)d seconds old.", age=max_age)
        super().__init__(words)
        self.max_age = max_age


class RecoveryUnderWay(DomainError):
    """The owner has lost the second factor, which is being removed. Nobody can log in meanwhile."""

    status = 403
    code = "second_factor_recovery"

    def __init__(self, ends_at: datetime, spelled: str) -> None:
        """`spelled` is `ends_at` as the caller reads it."""
        self.ends_at = ends_at
        super().__init__(
            Sentence(
                "The second factor of this account will be removed on %(when)s. Nobody can log in before "
                "then. A code from an authenticator app, or a recovery code, stops the removal if the app or "
                "the code was at least 30 days old when the removal began.",
                when=spelled,
            )
        )


class TotpRequired(DomainError):
    """The password is right, but the account has a second factor, and the client sent no code."""

    status = 401
    code = "totp_required"

    def __init__(self) -> None:
        reason = "send the current code of your authenticator app, or a recovery code, with the password"
        super().__init__(f"totp_code: {reason}", errors={"totp_code": reason})


class WrongProof(DomainError):
    """The caller had to confirm an action with their password and a code, and one was wrong."""

    status = 403
    code = "wrong_proof"


class InvalidToken(InvalidCredentials):
    """The API key or token is not valid (RFC 6750 error "invalid_token")."""

    code = "invalid_token"


class NotAuthenticated(InvalidCredentials):
    """The request needs a credential and has none."""

    code = "not_authenticated"

    def __init__(self) -> None:
        super().__init__("Send an access token or an API key.")


class TooManyAttempts(DomainError):
    """The caller tried too often (RFC 6585 section 4). They may try again in `retry_after` seconds."""

    status = 429
    code = "too_many_attempts"

    def __init__(self, retry_after: int) -> None:
        super().__init__(_try_again_in(retry_after))
        self.retry_after = retry_after
        self.headers = {"Retry-After": str(retry_after)}


class RateLimited(TooManyAttempts):
    """A key has reached its rate limit. `headers` tell the client when it may go on."""

    code = "rate_limited"

    def __init__(self, retry_after: int, headers: Mapping[str, str]) -> None:
        super().__init__(retry_after)
        self.detail = f"This key has reached its rate limit. Try again in {_in_words(retry_after)}."
        self.headers |= headers


class Busy(DomainError):
    """Too many of these requests are under way. The caller may try again in `retry_after` seconds."""

    status = 503
    code = "unavailable"

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
        self.headers = {"Retry-After": str(retry_after)}


class TooBroad(DomainError):
    """Reading a page of a list took too long. Narrower filters help, and the default order."""

    code = "too_broad"

    def __init__(self, seconds: int) -> None:
        super().__init__(
            f"The database needed more than {seconds} s for this page. Add filters, or leave out ordering."
        )


class NetworkNotAllowed(DomainError):
    """A valid credential was used from an address that it does not allow."""

    status = 403
    code = "network_not_allowed"

    def __init__(self) -> None:
        super().__init__("This key may not be used from your address.")


class MalformedCredentials(DomainError):
    """The request has more than one credential, or a malformed one (RFC 6750 section 2)."""


def _try_again_in(seconds: int) -> Sentence:
    if seconds == 1:
        return Sentence("Too many attempts. Try again in 1 second.")
    if seconds < MINUTES_FROM:
        return Sentence("Too many attempts. Try again in %(number)d seconds.", number=seconds)
    return Sentence("Too many attempts. Try again in %(number)d minutes.", number=-(-seconds // 60))


def _in_words(seconds: int) -> str:
    if seconds < MINUTES_FROM:
        return "1 second" if seconds == 1 else f"{seconds} seconds"
    return f"{-(-seconds // 60)} minutes"
