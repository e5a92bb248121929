"""Reading `id_token_hint`: an ID token that a client sends back to say which person it means."""

from typing import NamedTuple

import jwt
from django.conf import settings
from jwt.types import Options

from accounts.signing import keys as signing
from config import profiles
from config.wire.errors import InvalidToken


class Hint(NamedTuple):
    """The uuid of the person in an ID token, and the client_id that the token was issued to."""

    person: str
    client_id: str


def read(text: str) -> Hint | None:
    """Return the person and client of an ID token of ours, even an expired one; None for anything else.

    Access tokens of logins may be signed with the same keys, but their audience is never a client.
    Sources: OpenID Connect Core section 3.1.2.1, RP-Initiated Logout section 2.
    """
    policy = profiles.active().oauth2
    if not text or policy is None:
        return None
    algorithm = policy.id_token_algorithm
    checks: Options = {"require": ["iss", "sub", "aud", "iat"], "verify_exp": False, "verify_aud": False}
    try:
        key = signing.verifying_key(jwt.get_unverified_header(text).get("kid"), algorithm)
        claims = jwt.decode(text, key, algorithms=[algorithm], issuer=settings.PUBLIC_URL, options=checks)
    except (jwt.InvalidTokenError, InvalidToken):
        return None
    audience = claims["aud"]
    return Hint(str(claims["sub"]), audience) if isinstance(audience, str) else None
