"""WWW-Authenticate: how the caller may authenticate (RFC 9110 section 11.6.1)."""

from config import profiles
from config.wire.errors import DomainError, FreshProofRequired, InsufficientScope, InvalidToken
from config.wire.http.heads import Head


def realm() -> str:
    """Return the product's name as the realm of a challenge: a quoted string in ASCII (RFC 9110)."""
    name = profiles.active().product.name.encode("ascii", "backslashreplace").decode()
    escaped = name.replace("\\", r"\\").replace('"', r"\"")
    return f'realm="{escaped}"'


def bearer() -> str:
    """Return the challenge of Bearer (RFC 6750 section 3)."""
    return f"Bearer {realm()}"


def of_keys(head: Head) -> str:
    """Return the challenges where keys are accepted: Basic's if the profile has it, and Bearer's.

    They share a line with Basic first. Some clients read only the first challenge of a line (skopeo), and
    nginx before 1.23 passes on only one line.

    Browsers send Sec-Fetch-Mode (W3C Fetch Metadata). They would answer Basic with a dialog that asks for a
    person's password, also when a script of a page sent the request, so they get no such challenge.
    """
    if not profiles.active().keys.basic or "HTTP_SEC_FETCH_MODE" in head.META:
        return bearer()
    return f'Basic {realm()}, charset="UTF-8", {bearer()}'  # RFC 7617 section 2.1


def with_reason(challenges: str, error: DomainError) -> str:
    """Return challenges that end with Bearer's, with the reason for a refusal.

    RFC 6750 section 3.1, and RFC 9470 section 3 for a login that is too old.
    """
    if isinstance(error, FreshProofRequired):
        return f'{challenges}, error="{error.code}", max_age="{error.max_age}"'
    if isinstance(error, InsufficientScope):
        return f'{challenges}, error="insufficient_scope", scope="{" ".join(error.scopes)}"'
    if isinstance(error, InvalidToken):
        return f'{challenges}, error="invalid_token"'
    return challenges
