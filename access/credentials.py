"""The credential in a request's headers, whatever its kind."""

import re
from dataclasses import dataclass, field
from functools import lru_cache

from django.http.request import HttpHeaders

from config import profiles
from config.wire.errors import MalformedCredentials
from config.wire.http.heads import Head

# RFC 6750 section 2.1: the scheme (case-insensitive, RFC 9110 section 11.1), spaces, a token68.
BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Presented:
    """The secret that a request sent, and whether the client sent it as an API key."""

    secret: str = field(repr=False)
    is_key: bool


def presented(head: Head) -> Presented | None:
    """Return the one credential of a request, or None if it has none.

    The client sends it in the profile's key header or after Bearer. Other Authorization schemes are
    ignored. Raises MalformedCredentials for two credentials at once (RFC 6750 section 2) and for a
    malformed Bearer.
    """
    form = profiles.active().keys
    key = head.META.get(_variable(form.header)) if form.header else None
    if key is not None and "," in key:  # how servers join two headers of one name (RFC 9110 section 5.3)
        raise MalformedCredentials(f"Send one credential: {form.header} is repeated.")
    authorization = head.META.get("HTTP_AUTHORIZATION", "")
    if not authorization.lower().startswith("bearer"):
        return None if key is None else Presented(key, is_key=True)
    if key is not None:
        raise MalformedCredentials(f"Send one credential: Authorization or {form.header}, not both.")
    match = BEARER.fullmatch(authorization)
    if match is None:
        raise MalformedCredentials("The Authorization header must be Bearer, a space and one token.")
    return Presented(match[1], is_key=form.bearer and is_key_like(match[1]))


@lru_cache(maxsize=8)
def _variable(header: str) -> str:
    """Return the header's WSGI name. request.headers would parse every header of every request."""
    return HttpHeaders.to_wsgi_name(header)


def is_key_like(text: str) -> bool:
    """Whether `text` has the prefix of an API key."""
    return any(text.startswith(form.prefix) for form in profiles.active().keys.environments.values())
