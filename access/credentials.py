"""The credential in a request's headers, whatever its kind."""

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from functools import lru_cache

from django.http.request import HttpHeaders

from config import profiles
from config.profiles.rules import OAUTH2_PREFIXES
from config.wire.errors import MalformedCredentials
from config.wire.http.heads import Head

# RFC 6750 section 2.1: the scheme (case-insensitive, RFC 9110 section 11.1), spaces, a token68.
BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)
# RFC 7617 section 2. The longest key that a profile can have is a third of this.
BASIC = re.compile(r"basic +([A-Za-z0-9+/]{1,1024}={0,2})", re.IGNORECASE)
# Another scheme with one text after it, in which imported keys come: `Token …` of DRF, `Api-Key …`.
OTHER = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,30}) +([\x21-\x7e]{20,255})")
# Where a credential was sent: where the profile has keys, or elsewhere. Others are Authorization schemes.
OWN, BEARER_SCHEME, BASIC_SCHEME, KONG_HEADER, ANYWHERE = "key header", "bearer", "basic", "apikey", "*"
KNOWN_PLACES = frozenset({OWN, BEARER_SCHEME, BASIC_SCHEME, ANYWHERE})
FOREIGN_LENGTHS, JWT_DOTS = range(20, 256), 2
BASIC_FORM = "The Authorization header must be Basic, a space, and the base64 of USER:KEY in UTF-8."


@dataclass(frozen=True, slots=True)
class Presented:
    """The secret that a request sent, whether the client sent it as an API key, and where.

    OWN is the key header, and every other place where the profile has keys if the text has a key's prefix.
    Clients send only imported keys in other places than KNOWN_PLACES. If nothing was imported, a request with
    such a secret has no credential.
    """

    secret: str = field(repr=False)
    is_key: bool
    place: str = OWN


def presented(head: Head) -> Presented | None:
    """Return the one credential of a request, or None if it has none.

    The client sends it in the profile's key header, after Bearer, or as the password of Basic if the profile
    lets keys come there. If it sends none of these, another Authorization scheme or the header apikey counts,
    because clients send imported keys there. Raises MalformedCredentials for two credentials at once
    (RFC 6750 section 2) and for a malformed Bearer or Basic.
    """
    form = profiles.active().keys
    key = head.META.get(_variable(form.header)) if form.header else None
    if key is not None and "," in key:  # how servers join two headers of one name (RFC 9110 section 5.3)
        raise MalformedCredentials(f"Send one credential: {form.header} is repeated.")
    authorization = head.META.get("HTTP_AUTHORIZATION", "")
    scheme = authorization[:6].lower()
    is_basic = form.basic and scheme.startswith("basic")
    if scheme != "bearer" and not is_basic:
        return _in_another_place(head, authorization) if key is None else Presented(key, is_key=True)
    if key is not None:
        raise MalformedCredentials(f"Send one credential: Authorization or {form.header}, not both.")
    if is_basic:
        password = _password(authorization)
        return Presented(password, is_key=True, place=OWN if is_key_like(password) else BASIC_SCHEME)
    match = BEARER.fullmatch(authorization)
    if match is None:
        raise MalformedCredentials("The Authorization header must be Bearer, a space and one token.")
    if is_foreign_like(match[1]):
        return Presented(match[1], is_key=True, place=BEARER_SCHEME)
    return Presented(match[1], is_key=form.bearer and is_key_like(match[1]))


def _in_another_place(head: Head, authorization: str) -> Presented | None:
    match = OTHER.fullmatch(authorization)
    if match is not None and (place := match[1].lower()) not in KNOWN_PLACES:
        return Presented(match[2], is_key=True, place=place)
    key = head.META.get("HTTP_APIKEY")
    return None if key is None or authorization else Presented(key, is_key=True, place=KONG_HEADER)


def _password(authorization: str) -> str:
    """Return the password of Basic, whatever the user name is. Raises MalformedCredentials."""
    match = BASIC.fullmatch(authorization)
    text = _decoded(match[1]) if match else ""
    _, colon, password = text.partition(":")
    if not colon:
        raise MalformedCredentials(BASIC_FORM)
    return password


def _decoded(base64: str) -> str:
    """Return what strict base64 says in UTF-8 (RFC 4648 section 3.5), or "" for any other text."""
    try:
        content = b64decode(base64)
        return content.decode() if b64encode(content).decode() == base64 else ""
    except ValueError:
        return ""


@lru_cache(maxsize=8)
def _variable(header: str) -> str:
    """Return the header's WSGI name. request.headers would parse every header of every request."""
    return HttpHeaders.to_wsgi_name(header)


def is_key_like(text: str) -> bool:
    """Whether `text` has the prefix of an API key."""
    return any(text.startswith(form.prefix) for form in profiles.active().keys.environments.values())


def is_foreign_like(text: str) -> bool:
    """Whether `text` may be a key of another system: by its form it is neither a token nor a key of ours."""
    return len(text) in FOREIGN_LENGTHS and text.count(".") != JWT_DOTS and not _is_ours(text)


def _is_ours(text: str) -> bool:
    return text.startswith(OAUTH2_PREFIXES) or is_key_like(text)
