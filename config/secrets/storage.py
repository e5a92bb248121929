"""Secrets that Keyhouse generates on the first start, and stores in the data folder (mode 0600)."""

import os
import re
import secrets
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from config import program
from config.env import ConfigurationError, reason

NUMBERED_BYTES = 32
SECRET_NUMBER = re.compile(r"[1-9][0-9]{0,3}")
LEAST_DIFFERENT_BYTES = 16  # of 32 random ones, about 30 differ


def place_of_data(text: str) -> Path:
    """Return the path of the data folder: `text` (KEYHOUSE_DATA_DIR), or its default.

    In a clone, relative paths start at its folder, and the default is `var`. An installed wheel has no folder
    of its own; its default is where the user's data belongs (XDG Base Directory Specification).

    Raises ConfigurationError for a relative path without a clone, and without any folder of the user's.
    """
    if program.IS_CLONE:
        return (program.FOLDER / (text or "var")).resolve()
    path = Path(text) if text else _data_home() / "keyhouse"
    if not path.is_absolute():
        raise ConfigurationError(f"KEYHOUSE_DATA_DIR: {text!a} must be an absolute path")
    return path.resolve()


def _data_home() -> Path:
    given = Path(os.environ.get("XDG_DATA_HOME", ""))
    try:
        return given if given.is_absolute() else Path.home() / ".local" / "share"
    except RuntimeError:
        raise ConfigurationError("KEYHOUSE_DATA_DIR: must be set where the user has no home") from None


def open_data_dir(path: Path) -> Path:
    """Create the data folder (mode 0700) if it is missing, and return it. Raises ConfigurationError."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.listdir(path)
    except OSError as error:
        raise ConfigurationError(f"KEYHOUSE_DATA_DIR: cannot use {path}: {reason(error)}") from None
    return path


def kept(data_dir: Path, name: str, make: Callable[[], str]) -> str:
    """Return the secret in the file `name`; create the file with `make` if it is missing.

    If two processes start at once, one creates the file and both return the same secret.
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
    """Create a complete file at once, unless the file exists."""
    handle, temporary = tempfile.mkstemp(dir=path.parent)  # mkstemp creates it with mode 0600
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


def new_numbered() -> str:
    """Return a first numbered secret, as KEYHOUSE_PEPPERS spells it."""
    return f"1:{secrets.token_hex(NUMBERED_BYTES)}"


def peppers(text: str, data_dir: Path) -> dict[int, bytes]:
    """Return the peppers in `text` (KEYHOUSE_PEPPERS), else those in the data folder."""
    return _numbered("KEYHOUSE_PEPPERS", text, data_dir, "peppers")


def seed_keys(text: str, data_dir: Path) -> dict[int, bytes]:
    """Return the keys for TOTP seeds in `text` (KEYHOUSE_SEED_KEYS), else those in the data folder."""
    return _numbered("KEYHOUSE_SEED_KEYS", text, data_dir, "seed_keys")


def _numbered(variable: str, text: str, data_dir: Path, name: str) -> dict[int, bytes]:
    if text:
        return parse_numbered(variable, text)
    return parse_numbered(str(data_dir / name), kept(data_dir, name, new_numbered))


def parse_numbered(source: str, text: str) -> dict[int, bytes]:
    """Read `1:HEX,2:HEX …` into {number: secret}.

    Raises ConfigurationError, which names `source` and never repeats the value.
    """
    found: dict[int, bytes] = {}
    for position, item in enumerate(text.split(","), start=1):
        number, _, digits = item.strip().partition(":")
        try:
            secret = bytes.fromhex(digits)
        except ValueError:
            secret = b""
        if not SECRET_NUMBER.fullmatch(number) or len(secret) < NUMBERED_BYTES:
            raise ConfigurationError(
                f"{source}: item {position} must be NUMBER:HEX, "
                f"with a number up to 9999 and at least {NUMBERED_BYTES * 2} hex digits"
            )
        if len(set(secret)) < LEAST_DIFFERENT_BYTES:
            raise ConfigurationError(f"{source}: item {position} is too regular to be random")
        if int(number) in found:
            raise ConfigurationError(f"{source}: number {number} is listed twice")
        found[int(number)] = secret
    return found


def chosen(variable: str, text: str, secrets: Mapping[int, bytes]) -> int | None:
    """Return the number of the secret that `text` names as the current one; None if it is empty.

    Raises ConfigurationError, which names `variable`, for a number that no secret has.
    """
    if not text:
        return None
    if not SECRET_NUMBER.fullmatch(text) or int(text) not in secrets:
        numbers = ", ".join(map(str, sorted(secrets)))
        raise ConfigurationError(f"{variable}: {text!a} must be one of the numbers that exist: {numbers}")
    return int(text)
