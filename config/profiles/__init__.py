"""The active profile: one product's dialect, as data. Ask `active()`, never a product's name."""

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
    """Return the profile that this process serves. Raises ProfileError when it cannot be served."""
    return _overrides[-1] if _overrides else _load_once(settings.KEYHOUSE_PROFILE)


@contextmanager
def override(profile: Profile) -> Iterator[None]:
    """Serve `profile` for the length of a with block: for tests."""
    _overrides.append(profile)
    try:
        yield
    finally:
        _overrides.pop()
