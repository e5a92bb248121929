"""The scopes of OAuth2: the profile's, in its own words, and those of OpenID Connect."""

from collections.abc import Iterable

from accounts.principals import Principal
from config import profiles
from config.errors import Invalid

# OpenID Connect Core section 5.4. They open nothing but what the ID token and userinfo say.
IDENTITY = {
    "openid": "Know who you are",
    "profile": "See your name",
    "email": "See your e-mail address",
}


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


def grantable(requested: Iterable[str], principal: Principal) -> list[str]:
    """Return those of the requested scopes that somebody holds, in any place, and so can hand on."""
    held = principal.scopes_anywhere | frozenset(IDENTITY)
    return [scope for scope in requested if scope in held]
