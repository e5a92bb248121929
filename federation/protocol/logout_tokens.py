"""Verifies logout tokens (OpenID Connect Back-Channel Logout 1.0 section 2.6)."""

from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from joserfc import jws
from joserfc.errors import JoseError

from federation.protocol.documents import Metadata
from federation.protocol.faults import RefusedByProvider, WrongToken
from federation.protocol.id_tokens import ALGORITHMS, LEEWAY, LONGEST, LONGEST_SUBJECT, OLDEST, signed

EVENT = "http://schemas.openid.net/event/backchannel-logout"
TYPES = ("JWT", "LOGOUT+JWT")
WRONG = "This is no logout token of an identity provider that is set up here."


class LogoutToken(msgspec.Struct, frozen=True):
    """What a logout token says: which person, which of their sessions at the provider, or both."""

    iss: str
    aud: str | list[str]
    iat: float
    jti: str
    events: dict[str, dict[str, Any]]
    sub: str = ""
    sid: str = ""
    exp: float | None = None
    nonce: Any = msgspec.UNSET

    @property
    def audience(self) -> list[str]:
        """The clients that it is for."""
        return [self.aud] if isinstance(self.aud, str) else self.aud


class Claimed(NamedTuple):
    """What a token claims that is not verified yet, and the algorithm that its header names."""

    token: LogoutToken
    algorithm: str


def claimed(text: str) -> Claimed:
    """Return what a token claims, to find out whose keys verify it. Raises RefusedByProvider."""
    if len(text) > LONGEST:
        raise RefusedByProvider(WRONG)
    try:
        found = jws.extract_compact(text.encode())
        token, algorithm = _read(msgspec.json.decode(found.payload)), found.headers().get("alg")
    except (JoseError, ValueError, TypeError, RecursionError):
        raise RefusedByProvider(WRONG) from None
    if algorithm not in ALGORITHMS:
        raise RefusedByProvider(WRONG)
    return Claimed(token, algorithm)


def verified_logout(
    text: str, metadata: Metadata, *, client_id: str, algorithm: str, now: datetime
) -> LogoutToken:
    """Return what a logout token says. Raises RefusedByProvider, ProviderFault or Busy."""
    try:
        claims, _ = signed(text, metadata, algorithm, types=TYPES)
    except WrongToken:
        raise RefusedByProvider(WRONG) from None
    token = _read(claims)
    seconds = int(now.timestamp())
    is_new = seconds - OLDEST - LEEWAY <= token.iat <= seconds + LEEWAY
    is_in_time = is_new and (token.exp is None or seconds - LEEWAY < token.exp)
    is_for_us = token.iss == metadata.issuer and client_id in token.audience
    if not (is_in_time and is_for_us and _is_logout(token)):
        raise RefusedByProvider(WRONG)
    return token


def _is_logout(token: LogoutToken) -> bool:
    """Whether it is about a logout. An ID token has a `nonce`, so that neither passes for the other."""
    names_somebody = bool(token.sub or token.sid)
    is_short = (
        0 < len(token.jti) <= LONGEST_SUBJECT and max(len(token.sub), len(token.sid)) <= LONGEST_SUBJECT
    )
    return names_somebody and is_short and EVENT in token.events and token.nonce is msgspec.UNSET


def _read(claims: Any) -> LogoutToken:
    """Return the claims, which must be texts that a database takes. Raises RefusedByProvider."""
    try:
        token = msgspec.convert(claims, LogoutToken)
    except msgspec.ValidationError:
        raise RefusedByProvider(WRONG) from None
    if not all(each.isprintable() for each in (token.iss, token.sub, token.sid, *token.audience)):
        raise RefusedByProvider(WRONG)
    return token
