"""Requests of people: the access token of a live session (RFC 6750)."""

from datetime import UTC, datetime

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts import tokens
from accounts.credentials import presented
from accounts.identity import principal_of_session
from accounts.principals import Credential, Principal
from audit.actors import Origin
from config.errors import InvalidToken
from config.problems import challenge


class AccessTokenAuthentication(BaseAuthentication):
    """DRF authentication by access token: request.user is a Principal, request.auth its Credential."""

    def authenticate(self, request: Request) -> tuple[Principal, Credential] | None:
        sent = presented(request._request)
        if sent is None or sent.is_key:
            return None
        principal = authenticate_access_token(sent.text, Origin.of(request._request))
        return principal, principal.credential

    def authenticate_header(self, request: Request) -> str:
        return challenge()


def authenticate_access_token(text: str, origin: Origin) -> Principal:
    """Return whose access token this is. Raises InvalidToken unless it is good and its session lives."""
    claims = tokens.read_access(text)
    ends = datetime.fromtimestamp(claims["exp"], UTC)
    principal = principal_of_session(Credential("jwt", claims["sid"], ends), origin.at)
    if principal is None or principal.subject != claims.get("sub"):
        raise InvalidToken
    return principal
