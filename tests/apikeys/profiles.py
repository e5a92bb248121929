"""The shipped profile with a few values changed."""

from typing import Any

from msgspec.structs import replace

from config import profiles
from config.profiles.profile import Profile


def changed(*, keys: dict[str, Any] | None = None, **tables: Any) -> Profile:
    """Return the active profile with other values in [keys], or other tables as a whole."""
    file = profiles.active().file
    return Profile("test", replace(file, keys=replace(file.keys, **(keys or {})), **tables))
