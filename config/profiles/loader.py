"""Find a profile file, read it, check it. Whatever is wrong is a ProfileError."""

import re
from pathlib import Path

import msgspec

from config import env
from config.profiles.errors import ProfileError
from config.profiles.profile import Profile
from config.profiles.rules import check
from config.profiles.schema import ProfileFile

SHIPPED = Path(__file__).parent


def shipped_names() -> list[str]:
    """The names of the profiles that come with Keyhouse."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def load(name: str) -> Profile:
    """Return the shipped profile `name`, or the one in the file at the path `name` (it has a / or .toml)."""
    if "/" in name or name.endswith(".toml"):
        path = Path(name)
    elif name in shipped_names():
        path = SHIPPED / f"{name}.toml"
    else:
        known = ", ".join(shipped_names())
        raise ProfileError(name, "KEYHOUSE_PROFILE", f"there is no such profile; shipped are: {known}")
    return parse(_read(path), source=str(path))


def parse(text: bytes | str, *, source: str) -> Profile:
    """Return the profile written in `text`; `source` names it in errors."""
    try:
        file = msgspec.toml.decode(text, type=ProfileFile)
    except msgspec.ValidationError as error:
        raise ProfileError(source, *_member_and_reason(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProfileError(source, "TOML", str(error)) from None
    check(source, file)
    return Profile(source, file)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ProfileError(str(path), "KEYHOUSE_PROFILE", f"cannot be read: {env.reason(error)}") from None


def _member_and_reason(message: str) -> tuple[str, str]:
    """Split msgspec's "reason - at `$.member`" into (member, reason)."""
    reason, _, where = message.partition(" - at `$")
    member = where.strip("`").lstrip(".") or "the file"
    unknown = re.fullmatch(r"Object contains unknown field `(.+)`", reason)
    if unknown:
        return f"{member}.{unknown[1]}" if where else unknown[1], "there is no such member"
    return member, reason
