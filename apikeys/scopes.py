"""Arithmetic on scopes, independent of Django. The catalogue comes from the profile."""

from collections.abc import Collection, Iterable


def unknown(requested: Iterable[str], catalogue: Collection[str]) -> list[str]:
    """Return the requested scopes that are not in the catalogue, in their order."""
    return [scope for scope in requested if scope not in catalogue]


def missing(required: Iterable[str], held: Collection[str]) -> list[str]:
    """Return the required scopes that are not held, in their order."""
    return [scope for scope in required if scope not in held]


def unique(requested: Iterable[str]) -> list[str]:
    """Return the requested scopes without duplicates, in their order."""
    return list(dict.fromkeys(requested))
