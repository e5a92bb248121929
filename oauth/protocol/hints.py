"""ID tokens of ours that clients send back, to say whom they mean (`id_token_hint`)."""

from typing import NamedTuple

import jwt
from django.conf import settings
from jwt.types import Options

from accounts.signing import keys as signing
from config import profiles
from config.wire.errors import InvalidToken


class Hint(NamedTuple):
    """The uuid of the person whom a token is about, and its audience: of an ID token, the `client_id`."""

    person: str
    client_id: str


def read(text: str) -> Hint | None:
    """Return what an ID token of ours says, however old it is; None for anything else.

    Access tokens of logins can be under the same keys; their audience is no client's.
    OpenID Connect Core section 3.1.2.1, RP-Initiated Logout section 2.
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
