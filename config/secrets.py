"""Secrets that Keyhouse makes for itself on the first start, and keeps in the data folder (0600)."""

import os
import re
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path

from config.env import ConfigurationError, reason

PEPPER_BYTES = 32
PEPPER_NUMBER = re.compile(r"[1-9][0-9]{0,3}")
LEAST_DIFFERENT_BYTES = 16  # of 32 random ones, about 30 differ


def open_data_dir(path: Path) -> Path:
    """Make the data folder (0700) if it is missing and return it; raises ConfigurationError."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.listdir(path)
    except OSError as error:
        raise ConfigurationError(f"KEYHOUSE_DATA_DIR: cannot use {path}: {reason(error)}") from None
    return path


def kept(data_dir: Path, name: str, make: Callable[[], str]) -> str:
    """Return the secret in the file `name`, made by `make` if there is none yet.

    Of two processes that start at once, one makes it and both return the same.
    """
    path = data_dir / name
    try:
        if not path.exists():
            _write_once(path, make())
        value = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"KEYHOUSE_DATA_DIR: cannot use {path}: {reason(error)}") from None
    if not value:
        raise ConfigurationError(f"KEYHOUSE_DATA_DIR: {path} is empty")
    return value


def _write_once(path: Path, value: str) -> None:
    """Put a complete file in place, or leave the one that is there."""
    handle, temporary = tempfile.mkstemp(dir=path.parent)  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(value + "\n")
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        Path(temporary).unlink()


def new_secret_key() -> str:
    """Return 64 random characters (384 bits)."""
    return secrets.token_urlsafe(48)


def new_peppers() -> str:
    """Return a first numbered pepper, as KEYHOUSE_PEPPERS spells it."""
    return f"1:{secrets.token_hex(PEPPER_BYTES)}"


def peppers(text: str, data_dir: Path) -> dict[int, bytes]:
    """Return the peppers in `text` (KEYHOUSE_PEPPERS), else those in the data folder."""
    if text:
        return parse_peppers("KEYHOUSE_PEPPERS", text)
    return parse_peppers(str(data_dir / "peppers"), kept(data_dir, "peppers", new_peppers))


def parse_peppers(source: str, text: str) -> dict[int, bytes]:
    """Read `1:HEX,2:HEX …` into {number: pepper}; the highest number is the current one.

    Raises ConfigurationError, which names `source` and never repeats the value.
    """
    found: dict[int, bytes] = {}
    for position, item in enumerate(text.split(","), start=1):
        number, _, digits = item.strip().partition(":")
        try:
            pepper = bytes.fromhex(digits)
        except ValueError:
            pepper = b""
        if not PEPPER_NUMBER.fullmatch(number) or len(pepper) < PEPPER_BYTES:
            raise ConfigurationError(
                f"{source}: item {position} is not NUMBER:HEX "
                f"with a number up to 9999 and at least {PEPPER_BYTES * 2} hex digits"
            )
        if len(set(pepper)) < LEAST_DIFFERENT_BYTES:
            raise ConfigurationError(f"{source}: item {position} is too regular to be random")
        if int(number) in found:
            raise ConfigurationError(f"{source}: number {number} stands there twice")
        found[int(number)] = pepper
    return found
