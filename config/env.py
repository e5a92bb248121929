"""How environment variables are read; config.variables says what they are for.

Each can also be given as NAME_FILE, the path of a file that holds the value (Docker and systemd
secrets). A wrong value raises ConfigurationError, which names the variable and says what is right.
"""

import os
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from config import hosts as names
from config.variables import VARIABLES

HOST = re.compile(r"\[[0-9A-Fa-f:.]+\]|[^\s:/?#@\[\]\\]+")
ADDRESS = re.compile(rf"(?P<host>{HOST.pattern}):(?P<port>[0-9]{{1,5}})")


class ConfigurationError(Exception):
    """Keyhouse cannot start: the message says which setting is wrong and what would be right."""


def text(name: str) -> str:
    """Return the value of variable `name`: from NAME, else from the file NAME_FILE, else its default.

    Set but empty is as good as not set, but an empty file is a mistake. Raises ConfigurationError for
    that, for a file that cannot be read, for both at once and for what is not UTF-8.
    """
    value, path = os.environ.get(name, ""), os.environ.get(f"{name}_FILE", "")
    if value and path:
        raise ConfigurationError(f"{name} and {name}_FILE are both set; keep one of them")
    if path:
        return _from_file(f"{name}_FILE", path)
    if not value.isascii() and not _is_utf8(value):
        raise ConfigurationError(f"{name}: it is not UTF-8 text")
    return value or VARIABLES[name].default


def _from_file(name: str, path: str) -> str:
    try:
        value = Path(path).read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{name}: cannot read {path}: {reason(error)}") from None
    if not value:
        raise ConfigurationError(f"{name}: {path} is empty")
    return value


def _is_utf8(value: str) -> bool:
    """Whether a variable was UTF-8: Python keeps other bytes as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def items(name: str) -> list[str]:
    """Return the comma-separated items of variable `name`, without blanks."""
    return [item.strip() for item in text(name).split(",") if item.strip()]


def flag(name: str) -> bool:
    """Return variable `name` as a yes or no. Raises ConfigurationError on anything else."""
    value = text(name).lower()
    if value in {"true", "1", "yes", "on"}:
        return True
    if value in {"false", "0", "no", "off"}:
        return False
    raise ConfigurationError(f"{name}: {value!r} is not true or false")


def number(name: str, *, least: int = 0, most: int) -> int:
    """Return variable `name` as a whole number from `least` to `most`. Raises ConfigurationError."""
    value = text(name)
    if not (value.isascii() and value.isdigit() and len(value) < 10 and least <= int(value) <= most):
        raise ConfigurationError(f"{name}: {value!a} is not a whole number from {least} to {most}")
    return int(value)


def lines(name: str) -> list[str]:
    """Return the lines of the file whose path is variable `name`, if it is set. Raises ConfigurationError."""
    path = text(name)
    if not path:
        return []
    try:
        return Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{name}: cannot read {path}: {reason(error)}") from None


class Address(NamedTuple):
    """Where a server listens."""

    host: str
    port: int


def address(name: str) -> Address:
    """Return variable `name` as (host, port). Raises ConfigurationError when it is not HOST:PORT."""
    return parse_address(name, text(name))


def parse_address(name: str, value: str) -> Address:
    """Split `value`, HOST:PORT with an IPv6 host in brackets; `name` is for the error message."""
    match = ADDRESS.fullmatch(value)
    if match is None or int(match["port"]) > 65535:
        raise ConfigurationError(
            f"{name}: {value!r} is not HOST:PORT, for example 127.0.0.1:8000 or [::1]:8000"
        )
    if int(match["port"]) == 0:
        raise ConfigurationError(f"{name}: {value!r} has no port: give a port between 1 and 65535")
    return Address(match["host"].strip("[]"), int(match["port"]))


def hosts(name: str) -> list[str]:
    """Return the hosts in variable `name`, each in its one spelling. Raises ConfigurationError.

    What begins with a dot stands for the hosts below it; `*` is left to the checks.
    """
    return [_host(name, item) for item in items(name)]


def _host(name: str, text: str) -> str:
    if text in {"*", ".*"}:
        return text
    try:
        return "." * text.startswith(".") + names.spell_host(text.removeprefix("."))
    except ValueError:
        raise ConfigurationError(
            f"{name}: {text!a} is not a host: write a.example.org, without https://, a port or a path"
        ) from None


def public_url(name: str, bind: Address) -> str:
    """Return the origin in variable `name`; if it is not set, where a server at `bind` finds itself.

    Raises ConfigurationError.
    """
    given = text(name)
    return origin(name, given) if given else origin(f"{name}, from KEYHOUSE_BIND", own_url(*bind))


def own_url(host: str, port: int) -> str:
    """Return the URL of a server that listens there; "every address" is localhost to itself."""
    shown = "localhost" if names.is_every_address(host) else f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"


def origin(name: str, value: str) -> str:
    """Return `value`, an address as of `page`, that has no path. Raises ConfigurationError."""
    address = page(name, value)
    parts = urlsplit(address)
    if urlsplit(value).path not in {"", "/"}:
        raise ConfigurationError(f"{name}: {value!a} has a path; give {parts.scheme}://{parts.netloc}")
    return address


def page(name: str, value: str) -> str:
    """Return `value`, an http:// or https:// address, without a slash at its end, its host in one spelling.

    Raises ConfigurationError, naming `name`, for what is more (a user, a query) or no address.
    """
    try:
        parts = urlsplit(value)
        is_good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or not value.isprintable() or any(character in value for character in " @?#\\"):
        raise ConfigurationError(
            f"{name}: {value!a} is not an http:// or https:// address without ?, #, @ or blanks"
        )
    try:
        address = names.spell_url(value)
    except ValueError as error:
        raise ConfigurationError(f"{name}: {value!a} has a host that no client can call: {error}") from None
    if names.is_every_address(names.host_of(address)):
        raise ConfigurationError(
            f"{name}: {value!a} is where a server listens; give the address that clients use"
        )
    return address.rstrip("/")


def reason(error: OSError | UnicodeDecodeError) -> str:
    """Say in words why a file could not be used."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return "it is not UTF-8 text"
