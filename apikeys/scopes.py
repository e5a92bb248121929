"""Arithmetic on scopes. Knows no Django; the catalogue comes from the profile."""

from collections.abc import Collection, Iterable


def unknown(requested: Iterable[str], catalogue: Collection[str]) -> list[str]:
    """Return the requested scopes that the catalogue does not have, in their order."""
    return [scope for scope in requested if scope not in catalogue]


def missing(required: Iterable[str], held: Collection[str]) -> list[str]:
    """Return the required scopes that are not held, in their order."""
    return [scope for scope in required if scope not in held]


def unique(requested: Iterable[str]) -> list[str]:
    """Return the requested scopes, each once, in the order of their first mention."""
    return list(dict.fromkeys(requested))
