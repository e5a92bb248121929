"""What can go wrong in the domain. Services raise these; `config.wire.problems` puts them on the wire."""

from collections.abc import Mapping

MOST_ERRORS = 20  # in one answer, so that it stays small whatever was sent
LONGEST_NAME = 100


class DomainError(Exception):
    """A use case was refused. `errors` says it per canonical member; `detail` says it in a sentence."""

    status = 400
    code = "invalid_request"

    def __init__(self, detail: str, *, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = dict(errors or {})


class Invalid(DomainError):
    """A value is wrong: names the member and what would be right."""

    code = "invalid"

    def __init__(self, member: str, reason: str) -> None:
        super().__init__(f"{member}: {reason}", errors={member: reason})


class BadQuery(Invalid):
    """A page was asked for with a parameter that it does not have, or with a wrong value of one."""


class Conflict(DomainError):
    """The value is taken, or the thing is no longer in a state that allows this."""

    status = 409
    code = "conflict"

    def __init__(self, member: str, reason: str) -> None:
        super().__init__(f"{member}: {reason}", errors={member: reason})


class NotFound(DomainError):
    """There is no such thing, or the caller may not know that there is."""

    status = 404
    code = "not_found"


class NotAllowed(DomainError):
    """The caller is known and may not do this."""

    status = 403
    code = "not_allowed"


class SecondFactorRequired(NotAllowed):
    """The caller's role allows this, to those who logged in with a second factor."""

    code = "second_factor_required"

    def __init__(self) -> None:
        super().__init__(
            "This needs a login with a second factor. Add an authenticator app (POST auth/totp, or in the "
            "admin), and log in with a code of it (totp_code)."
        )


class InsufficientScope(NotAllowed):
    """The credential lacks a scope (RFC 6750 section 3.1). `scopes` are the ones needed."""

    code = "insufficient_scope"

    def __init__(self, scopes: list[str]) -> None:
        super().__init__(f"This needs the scope {' '.join(scopes)}." if scopes else "No scope allows this.")
        self.scopes = scopes


class InvalidCredentials(DomainError):
    """Not let in. One public answer whatever the reason; the reason goes to the audit log."""

    status = 401
    code = "invalid_credentials"

    def __init__(self, detail: str = "The credentials are not valid.") -> None:
        super().__init__(detail)


class RecoveryUnderWay(DomainError):
    """The account's second factor is being removed, because its owner cannot show it: nobody logs in."""

    status = 403
    code = "second_factor_recovery"

    def __init__(self, ends: str) -> None:
        super().__init__(
            f"The second factor of this account is removed on {ends}; nobody can log in before that. A code "
            "of an authenticator app, or a recovery code, that was at least 30 days old when this began "
            "stops it."
        )


class TotpRequired(DomainError):
    """The password is right, and the account has a second factor, of which there was no code."""

    status = 401
    code = "totp_required"

    def __init__(self) -> None:
        reason = "send the present code of your authenticator app, or a recovery code, beside the password"
        super().__init__(f"totp_code: {reason}", errors={"totp_code": reason})


class WrongProof(DomainError):
    """Something that asks for the password, and a code, once more was not shown the right ones."""

    status = 403
    code = "wrong_proof"


class InvalidToken(InvalidCredentials):
    """A key or token that was sent is not good (RFC 6750 error "invalid_token")."""

    code = "invalid_token"


class NotAuthenticated(InvalidCredentials):
    """No credential was sent where one is needed."""

    code = "not_authenticated"

    def __init__(self) -> None:
        super().__init__("Send a login token or an API key.")


class TooManyAttempts(DomainError):
    """Tried too often; `retry_after` is in how many seconds it may be tried again (RFC 6585 section 4)."""

    status = 429
    code = "too_many_attempts"

    def __init__(self, retry_after: int) -> None:
        wait = f"{retry_after} seconds" if retry_after < 120 else f"{-(-retry_after // 60)} minutes"
        super().__init__(f"Too many attempts. Try again in {wait}.")
        self.retry_after = retry_after
        self.headers = {"Retry-After": str(retry_after)}


class RateLimited(TooManyAttempts):
    """A credential has made all requests of its rate limit; `headers` say when it may make others."""

    code = "rate_limited"

    def __init__(self, retry_after: int, headers: Mapping[str, str]) -> None:
        super().__init__(retry_after)
        self.detail = f"This key has made all of its requests. Try again in {retry_after} seconds."
        self.headers |= headers


class Busy(DomainError):
    """As much of this is under way as may be; `retry_after` is in how many seconds to try again."""

    status = 503
    code = "unavailable"

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
        self.headers = {"Retry-After": str(retry_after)}


class NetworkNotAllowed(DomainError):
    """A good credential came from an address from which it may not be used."""

    status = 403
    code = "network_not_allowed"

    def __init__(self) -> None:
        super().__init__("This key may not be used from your address.")


class MalformedCredentials(DomainError):
    """More than one credential in a request, or one that is not well written (RFC 6750 section 2)."""


def shown(name: str) -> str:
    """Return how an error calls a member that a client made up: its beginning, in ASCII."""
    return ascii(name[:LONGEST_NAME])[1:-1]
