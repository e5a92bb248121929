"""The credential in a request's headers, whatever its kind."""

import re
from dataclasses import dataclass, field

from django.http import HttpRequest

from config import profiles
from config.errors import MalformedCredentials

# RFC 6750 section 2.1: the scheme (case-insensitive, RFC 9110 section 11.1), spaces, a token68.
BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Presented:
    """What a request brought: the text, and whether that is, or claims to be, an API key."""

    text: str = field(repr=False)
    is_key: bool


def presented(request: HttpRequest) -> Presented | None:
    """Return the one credential of a request, or None if it has none.

    It stands in the profile's key header or after Bearer; another Authorization scheme is no
    credential of ours. Raises MalformedCredentials for two at once (RFC 6750 section 2) and for a
    Bearer that is not well written.
    """
    form = profiles.active().keys
    key = request.headers.get(form.header) if form.header else None
    if key is not None and "," in key:  # how servers join two headers of one name (RFC 9110 section 5.3)
        raise MalformedCredentials(f"Send one credential: {form.header} is there twice.")
    authorization = request.headers.get("Authorization", "")
    if not authorization.lower().startswith("bearer"):
        return None if key is None else Presented(key, is_key=True)
    if key is not None:
        raise MalformedCredentials(f"Send one credential: Authorization or {form.header}, not both.")
    match = BEARER.fullmatch(authorization)
    if match is None:
        raise MalformedCredentials("The Authorization header is not: Bearer, a space, one token.")
    return Presented(match[1], is_key=form.bearer and is_key_like(match[1]))


def is_key_like(text: str) -> bool:
    """Whether `text` begins like a key of this product."""
    return any(text.startswith(form.prefix) for form in profiles.active().keys.environments.values())
