"""The login tokens (JWT, RFC 7519, RFC 8725): issuing and reading them."""

import hashlib
import hmac
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt
from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import Token

from accounts.models import Session
from accounts.signing import keys as signing
from config import profiles
from config.secrets.key_pairs import Algorithm
from config.wire.errors import InvalidToken

HEADER_MEMBERS = {"alg", "typ"}
LONGEST = 4096
WRONG_TYPES = (TypeError, AttributeError)  # claims of another JSON type


class KeyPairs(TokenBackend):
    """Signs with a key pair whose public key is published; the header names the key by its `kid`."""

    algorithm: Algorithm

    def encode(self, payload: dict[str, Any]) -> str:
        return signing.sign({**payload, "aud": self.audience, "iss": self.issuer}, self.algorithm)

    def get_verifying_key(self, token: Any) -> Any:
        return signing.verifying_key(header_of(token).get("kid"), self.algorithm)


class AccessToken(Token):
    """Sent with each request; valid for minutes, and only while its session lives.

    The profile decides the algorithm, not the token's header (RFC 8725 section 3.1).
    """

    token_type = "access"

    def get_token_backend(self) -> TokenBackend:
        algorithm = profiles.active().login.token_algorithm
        if algorithm == "HS256":
            return super().get_token_backend()
        return KeyPairs(algorithm, audience=settings.PUBLIC_URL, issuer=settings.PUBLIC_URL)

    @property
    def lifetime(self) -> timedelta:  # type: ignore[override]
        return timedelta(seconds=profiles.active().login.access_token_seconds)


class RefreshToken(Token):
    """Exchanged once for a new pair of tokens. Always HS256, because only Keyhouse reads it."""

    token_type = "refresh"

    @property
    def lifetime(self) -> timedelta:  # type: ignore[override]
        return timedelta(seconds=profiles.active().login.session_idle_seconds)


@dataclass(frozen=True)
class TokenPair:
    """The tokens of a login or a refresh. `expires_in` is the access token's lifetime in seconds."""

    access_token: str
    refresh_token: str
    expires_in: int
    token_type: str = "bearer"


def new_refresh_id() -> str:
    """Return the id (jti) for a new refresh token: 122 random bits."""
    return uuid.uuid4().hex


def successor_of(refresh_id: str) -> str:
    """Return the id of the refresh token that replaces this one: 128 bits of an HMAC of its id."""
    return hmac.digest(settings.REFRESH_KEY, refresh_id.encode(), hashlib.sha256)[:16].hex()


def digest(refresh_id: str) -> bytes:
    """Return the SHA-256 of a refresh token's id, which is what the database stores."""
    return hashlib.sha256(refresh_id.encode()).digest()


def issue(session: Session, *, subject: str, refresh_id: str, now: datetime) -> TokenPair:
    """Return tokens for `session`; neither outlives it.

    The refresh token's times come from the last refresh, so issuing it again yields the same token.
    """
    access, refresh = AccessToken(), RefreshToken()
    refresh["jti"] = refresh_id
    expires_in = _fill(access, session, subject, now)
    _fill(refresh, session, subject, session.last_seen_at)
    return TokenPair(str(access), str(refresh), expires_in=expires_in)


def _fill(token: Token, session: Session, subject: str, now: datetime) -> int:
    lifetime = min(token.lifetime or timedelta(), session.expires_at - now)
    token.set_iat(at_time=now)
    token.set_exp(from_time=now, lifetime=lifetime)
    token["sub"] = subject
    token["sid"] = str(session.uuid)
    return int(lifetime.total_seconds())


def header_of(text: str) -> dict[str, Any]:
    """Return the unverified header of a token. Raises jwt.InvalidTokenError.

    Only the header is decoded here; the library decodes the rest when it verifies the token.
    """
    header, _, _ = text.partition(".")
    return jwt.get_unverified_header(f"{header}..")


def read_access(text: str) -> dict[str, Any]:
    """Return the claims of a valid access token. Raises InvalidToken."""
    has_key_id = profiles.active().login.token_algorithm != "HS256"
    return _read(text, AccessToken, HEADER_MEMBERS | {"kid"} if has_key_id else HEADER_MEMBERS)


def read_refresh(text: str) -> dict[str, Any]:
    """Return the claims of a valid refresh token. Raises InvalidToken."""
    return _read(text, RefreshToken, HEADER_MEMBERS)


def _read(text: str, kind: type[Token], header: set[str]) -> dict[str, Any]:
    """Check header, signature, times, issuer, audience and kind, in this order."""
    try:
        if len(text) > LONGEST or not set(header_of(text)) <= header:
            raise InvalidToken
        claims: dict[str, Any] = kind(text).payload  # type: ignore[arg-type]
        uuid.UUID(claims["sid"])
    except (TokenError, jwt.InvalidTokenError, LookupError, ValueError, ArithmeticError, *WRONG_TYPES):
        raise InvalidToken from None
    return claims
