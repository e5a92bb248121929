"""The active profile: the dialect of one product, as data. Code never asks for a product's name."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from django.conf import settings

from config.profiles.capabilities import NO_POWER, Capability, Power
from config.profiles.errors import ProfileError
from config.profiles.loader import load, parse, shipped_names
from config.profiles.profile import Profile

__all__ = [
    "NO_POWER",
    "Capability",
    "Power",
    "Profile",
    "ProfileError",
    "active",
    "load",
    "override",
    "parse",
    "shipped_names",
]

_overrides: list[Profile] = []
_load_once = lru_cache(maxsize=None)(load)


def active() -> Profile:
    """Return the profile that this process serves. Raises ProfileError if the profile is invalid."""
    return _overrides[-1] if _overrides else _load_once(settings.KEYHOUSE_PROFILE)


@contextmanager
def override(profile: Profile) -> Iterator[None]:
    """Serve `profile` inside a with block, for tests and checkprofile."""
    _overrides.append(profile)
    try:
        yield
    finally:
        _overrides.pop()
