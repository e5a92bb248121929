"""Finds, reads and checks a profile file. Raises ProfileError for everything that is wrong."""

from codecs import BOM_UTF8
from pathlib import Path
from typing import Any

import msgspec

from config import env
from config.profiles.errors import ProfileError
from config.profiles.location import WHOLE_FILE, locate
from config.profiles.profile import Profile
from config.profiles.rules import check
from config.profiles.schema import ProfileFile

SHIPPED = Path(__file__).parent


def shipped_names() -> list[str]:
    """Return the names of the profiles that come with Keyhouse."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def load(name: str) -> Profile:
    """Return the shipped profile `name`, or the one in the file `name` (a path with a / or .toml)."""
    if "/" in name or name.endswith(".toml"):
        path = Path(name)
    elif name in shipped_names():
        path = SHIPPED / f"{name}.toml"
    else:
        known = ", ".join(shipped_names())
        raise ProfileError(name, "KEYHOUSE_PROFILE", f"not a shipped profile: use one of {known}, or a path")
    return parse(_read(path), source=str(path))


def parse(text: bytes | str, *, source: str) -> Profile:
    """Return the profile in `text`; errors call it `source`."""
    raw = _tables(text, source)
    try:
        file = msgspec.convert(raw, ProfileFile)
    except msgspec.ValidationError as error:
        raise ProfileError(source, *locate(str(error), raw)) from None
    check(source, file)
    return Profile(source, file)


def _tables(text: bytes | str, source: str) -> dict[str, Any]:
    try:
        return dict(msgspec.toml.decode(text))
    except UnicodeDecodeError as error:
        raise ProfileError(source, WHOLE_FILE, env.reason(error)) from None
    except RecursionError:
        raise ProfileError(source, WHOLE_FILE, "is nested too deeply") from None
    except msgspec.DecodeError as error:
        raise ProfileError(source, WHOLE_FILE, f"is not TOML: {error}") from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes().removeprefix(BOM_UTF8)
    except OSError as error:
        raise ProfileError(str(path), "KEYHOUSE_PROFILE", f"cannot be read: {env.reason(error)}") from None
