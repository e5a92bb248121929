"""The scopes of OAuth2: the profile's, in its own words, and those about the person."""

import re
from collections.abc import Collection, Iterable

from access.principals import Principal
from config import profiles
from config.wire.errors import Invalid

# OpenID Connect Core section 5.4, and two of ours. They open nothing but what the ID token, userinfo and
# auth/me say: oauth.claims.
IDENTITY = {
    "openid": "Know who you are",
    "profile": "See your name",
    "email": "See your e-mail address, and whether it is verified",
    "groups": "See the names of your organizations",
    "roles": "See your roles, also those in your organizations",
}
TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 section 3.3
NO_PERMISSION = frozenset({"", "offline_access"})  # people's clients get refresh tokens anyway
NAMED = 200  # characters, in an error
# Libraries ask for these of every provider, whatever their client is registered for.
OPTIONAL = frozenset({"groups", "roles"})


def catalogue() -> dict[str, str]:
    """Every scope that there is, with what it means."""
    return {name: scope.description for name, scope in profiles.active().scopes.items()} | IDENTITY


def clean_scopes(requested: Iterable[str]) -> list[str]:
    """Return scopes that there are, each once. Raises Invalid."""
    known = catalogue()
    for scope in requested:
        if scope not in known:
            raise Invalid("scopes", f"there is no scope {scope!a}; there are: {', '.join(known)}")
    return list(dict.fromkeys(requested))


def asked_for(requested: Iterable[str], allowed: Collection[str]) -> list[str]:
    """Return the requested scopes that exist, each once; none if the request names no permission.

    Unknown ones are ignored (OpenID Connect Core section 3.1.2.1), and so are OPTIONAL ones that are not
    `allowed`. Raises Invalid for malformed ones, for others that are not `allowed`, and if all are unknown.
    """
    known = catalogue().keys() - (OPTIONAL - frozenset(allowed))
    named = [scope for scope in dict.fromkeys(requested) if scope in known or scope not in NO_PERMISSION]
    if not all(TOKEN.fullmatch(scope) for scope in named):
        raise Invalid("scope", "takes printable ASCII names without quotes, separated by spaces")
    found = [scope for scope in named if scope in known]
    if beyond := [scope for scope in found if scope not in allowed]:
        raise Invalid("scope", f"this client cannot get {' '.join(beyond)[:NAMED]}")
    if named and not found:
        raise Invalid("scope", f"unknown: {' '.join(named)[:NAMED]}")
    return found


def grantable(requested: Iterable[str], principal: Principal) -> list[str]:
    """Return those of the requested scopes that somebody holds, in any place, and so can hand on."""
    held = principal.scopes_anywhere | frozenset(IDENTITY)
    return [scope for scope in requested if scope in held]
