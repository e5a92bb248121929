"""The scopes of OAuth2: the profile's, and the identity scopes of OpenID Connect."""

import re
from collections.abc import Collection, Iterable

from access.principals import Principal
from config import profiles
from config.wire.errors import Invalid, Sentence

# OpenID Connect Core section 5.4, and two of Keyhouse's own. They only add to what the ID token, userinfo and
# auth/me say (oauth.protocol.claims).
IDENTITY = {
    "openid": "Know who you are",
    "profile": "See your name",
    "email": "See your e-mail address, and whether it is verified",
    "groups": "See the names of your organizations",
    "roles": "See your roles, also those in your organizations",
}
TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 section 3.3
NO_PERMISSION = frozenset({"", "offline_access"})  # clients of people get refresh tokens anyway
NAMED = 200  # characters, in an error
# Libraries request these from every provider, even if their client is not registered for them.
OPTIONAL = frozenset({"groups", "roles"})


def catalogue() -> dict[str, str]:
    """Return every scope of the active profile, with its description."""
    return {name: scope.description for name, scope in profiles.active().scopes.items()} | IDENTITY


def clean_scopes(requested: Iterable[str]) -> list[str]:
    """Return the requested scopes without repetitions. Raises Invalid for an unknown one."""
    known = catalogue()
    for scope in requested:
        if scope not in known:
            raise Invalid(
                "scopes",
                Sentence(
                    "%(scope)s is unknown; choose from: %(known)s", scope=ascii(scope), known=", ".join(known)
                ),
            )
    return list(dict.fromkeys(requested))


def asked_for(requested: Iterable[str], allowed: Collection[str]) -> list[str]:
    """Return the requested scopes that exist, without repetitions; empty if the request names no permission.

    Unknown scopes are ignored (OpenID Connect Core section 3.1.2.1), and so are OPTIONAL scopes that are not
    `allowed`. Raises Invalid for malformed scopes, for other scopes that are not `allowed`, and if all are
    unknown.
    """
    known = catalogue().keys() - (OPTIONAL - frozenset(allowed))
    named = [scope for scope in dict.fromkeys(requested) if scope in known or scope not in NO_PERMISSION]
    if not all(TOKEN.fullmatch(scope) for scope in named):
        raise Invalid("scope", "must be printable ASCII names without quotes, separated by spaces")
    found = [scope for scope in named if scope in known]
    if beyond := [scope for scope in found if scope not in allowed]:
        refused = " ".join(beyond)[:NAMED]
        raise Invalid("scope", Sentence("this client may not request %(scopes)s", scopes=refused))
    if named and not found:
        unknown = " ".join(named)[:NAMED]
        raise Invalid("scope", Sentence("contains only unknown scopes: %(scopes)s", scopes=unknown))
    return found


def grantable(requested: Iterable[str], principal: Principal) -> list[str]:
    """Return the requested scopes that the principal holds anywhere and so can grant."""
    held = principal.scopes_anywhere | frozenset(IDENTITY)
    return [scope for scope in requested if scope in held]
