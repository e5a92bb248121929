"""Verifies ID tokens (OpenID Connect Core 1.0 section 3.1.3.7) and reads what they say of a person."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from authlib.oidc.core import CodeIDToken
from django.utils.translation import gettext_noop
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from federation.protocol.documents import Metadata, keys_of
from federation.protocol.faults import ProviderFault, WrongToken

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LEEWAY = 60  # seconds that the clocks may differ
OLDEST = 600  # seconds since an ID token was issued
LONGEST = 16 * 1024  # characters of a token
LONGEST_SUBJECT = 255  # ASCII characters (section 2)
LATEST = 2**33  # Unix seconds
RSA_BITS = 2048

WRONG = gettext_noop("The identity provider sent a login that cannot be verified.")


class Expected(NamedTuple):
    """What an ID token must say: the client, the algorithm, and the nonce of the request."""

    client_id: str
    algorithm: str
    nonce: str


class Person(msgspec.Struct, frozen=True):
    """What an ID token, or the userinfo endpoint, says of a person. `claims` are all of it."""

    sub: str
    email: str = ""
    email_verified: bool | None = None
    name: str = ""
    sid: str = ""
    acr: str = ""
    amr: tuple[str, ...] = ()
    auth_time: float | None = None  # Unix seconds
    claims: dict[str, Any] = {}

    def values_of(self, claim: str) -> frozenset[str]:
        """Return the texts of a claim that is a text or a list of them."""
        value = self.claims.get(claim) if claim else None
        values = value if isinstance(value, list) else [value]
        return frozenset(each for each in values if isinstance(each, str))


def verified(
    text: str, metadata: Metadata, expected: Expected, *, access_token: str, now: datetime
) -> Person:
    """Return what the ID token `text` says. Raises ProviderFault if anything about it is wrong, or Busy."""
    claims = CodeIDToken(
        *signed(text, metadata, expected.algorithm, types=("JWT",)),
        options={
            "iss": {"essential": True, "value": metadata.issuer},
            "aud": {"essential": True, "value": expected.client_id},
            "nonce": {"essential": True, "value": expected.nonce},
        },
        params={
            "client_id": expected.client_id,
            "nonce": expected.nonce,
            "access_token": access_token,
        },
    )
    seconds = int(now.timestamp())
    try:
        claims.validate(now=seconds, leeway=LEEWAY)
    except (JoseError, TypeError, ValueError):
        raise ProviderFault(WRONG) from None
    if not seconds - OLDEST - LEEWAY <= claims["iat"] <= seconds + LEEWAY:
        raise ProviderFault(WRONG)
    person = read(claims)
    if not (person.sub.isascii() and person.sub.isprintable() and 0 < len(person.sub) <= LONGEST_SUBJECT):
        raise ProviderFault(WRONG)
    if person.auth_time is not None and not 0 <= person.auth_time <= LATEST:
        raise ProviderFault(WRONG)
    return person


def signed(
    text: str, metadata: Metadata, algorithm: str, *, types: tuple[str, ...]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the claims and the header of a token that a key of the provider signed with this algorithm.

    Its header names no type, or one of `types`. Raises WrongToken, another ProviderFault or Busy.
    """
    if len(text) > LONGEST or algorithm not in ALGORITHMS:
        raise WrongToken(WRONG)
    try:
        header = jws.extract_compact(text.encode()).headers()
        kid = header.get("kid")
        key = keys_of(metadata, kid).get_by_kid(kid)
        if isinstance(key, RSAKey) and key.raw_value.key_size < RSA_BITS:
            raise WrongToken(WRONG)
        token = jwt.decode(text, key, algorithms=[algorithm])
    except (JoseError, ValueError, TypeError, RecursionError):
        raise WrongToken(WRONG) from None
    if str(token.header.get("typ", "JWT")).upper() not in types:
        raise WrongToken(WRONG)
    return token.claims, token.header


def read(claims: Mapping[str, Any]) -> Person:
    """Return what claims say of a person. Raises ProviderFault for claims of a wrong type."""
    try:
        person = msgspec.convert(dict(claims), Person)
    except msgspec.ValidationError:
        raise ProviderFault(WRONG) from None
    return msgspec.structs.replace(person, claims=dict(claims))
