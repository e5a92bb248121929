"""Authentication of people by the access token of a live session (RFC 6750)."""

import hashlib
from datetime import UTC, datetime

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from access.credentials import presented
from access.principal_cache import Cached, memory
from access.principals import Credential, Principal
from access.remembered import Read
from accounts.sessions import tokens
from accounts.users.principals import principal_of_session
from audit.actors import Origin
from config.wire.errors import InvalidToken
from config.wire.http.challenges import bearer


class AccessTokenAuthentication(BaseAuthentication):
    """DRF authentication by access token: request.user is a Principal, request.auth its Credential."""

    def authenticate(self, request: Request) -> tuple[Principal, Credential] | None:
        sent = presented(request._request)
        if sent is None or sent.is_key:
            return None
        principal = authenticate_access_token(sent.secret, Origin.of(request._request))
        return principal, principal.credential

    def authenticate_header(self, request: Request) -> str:
        return bearer()


def authenticate_access_token(text: str, origin: Origin) -> Principal:
    """Return the principal of an access token. Raises InvalidToken unless token and session are valid.

    A recently used token needs no query.
    """
    digest = hashlib.sha256(text.encode()).digest()
    known = memory.known()
    found = known.get(digest, origin.at)
    if found is None:
        read = _read(text, origin.at)
        memory.remember(known, digest, read)
        found = read.principal
    return found


def remembered_access_token(text: str, origin: Origin) -> Cached | None:
    """Return the principal of an access token if memory holds it, else None."""
    return memory.trusted().find(hashlib.sha256(text.encode()).digest(), origin.at)


def _read(text: str, now: datetime) -> Read:
    claims = tokens.read_access(text)
    ends = datetime.fromtimestamp(claims["exp"], UTC)
    found = principal_of_session(Credential("jwt", claims["sid"], ends), now)
    if found is None or found.principal.subject != claims.get("sub"):
        raise InvalidToken
    return found
