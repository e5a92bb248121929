"""Reads environment variables; config.variables says what they are for.

Each can also be set as NAME_FILE, the path of a file with the value (Docker and systemd secrets). A wrong
value raises ConfigurationError, which names the variable and says what would be right.
"""

import difflib
import os
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from config import hosts as names
from config.variables import VARIABLES

HOST = re.compile(r"\[[0-9A-Fa-f:.]+\]|[^\s:/?#@\[\]\\]+")
ORIGIN_EXAMPLE = "for example https://app.example.org"
PREFIX = "KEYHOUSE_"
# Kubernetes and Docker set these in containers beside a service called "keyhouse".
OF_A_SERVICE = re.compile(r"KEYHOUSE_(SERVICE_(HOST|PORT.*)|PORT(_[0-9]+_(TCP|UDP).*)?)")
ADDRESS = re.compile(rf"(?P<host>{HOST.pattern}):(?P<port>[0-9]{{1,5}})")


class ConfigurationError(Exception):
    """Keyhouse cannot start: the message says which setting is wrong and what would be right."""


def text(name: str) -> str:
    """Return the value of variable `name`: from NAME, else from the file NAME_FILE, else its default.

    An empty variable counts as unset, but an empty file is an error. Raises ConfigurationError for an
    empty or unreadable file, for NAME and NAME_FILE together, and for a value that is not UTF-8.
    """
    value, path = os.environ.get(name, ""), os.environ.get(f"{name}_FILE", "")
    if value and path:
        raise ConfigurationError(f"{name} and {name}_FILE are both set; keep one of them")
    if path:
        return _from_file(f"{name}_FILE", path)
    if not value.isascii() and not _is_utf8(value):
        raise ConfigurationError(f"{name}: must be UTF-8 text")
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
    """Whether a variable was UTF-8. Python keeps other bytes as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def unknown() -> list[str]:
    """Return a sentence for each variable that begins as ours do, but that Keyhouse does not read."""
    known = [spelling for name in VARIABLES for spelling in (name, f"{name}_FILE")]
    ours = sorted(name for name in os.environ if name.startswith(PREFIX))
    return [_unknown(name, known) for name in ours if name not in known and not OF_A_SERVICE.fullmatch(name)]


def _unknown(name: str, known: list[str]) -> str:
    endings = [spelling.removeprefix(PREFIX) for spelling in known if spelling.startswith(PREFIX)]
    nearest = difflib.get_close_matches(name.removeprefix(PREFIX), endings, n=1)
    meant = f"; did you mean {PREFIX}{nearest[0]}?" if nearest else ""
    return f"{name} is not a variable of Keyhouse{meant}"


def items(name: str) -> list[str]:
    """Return the comma-separated items of variable `name`, without blanks."""
    return [item.strip() for item in text(name).split(",") if item.strip()]


def flag(name: str) -> bool:
    """Return variable `name` as a bool. Raises ConfigurationError for other values."""
    value = text(name).lower()
    if value in {"true", "1", "yes", "on"}:
        return True
    if value in {"false", "0", "no", "off"}:
        return False
    raise ConfigurationError(f"{name}: {value!r} must be true or false")


def choice(name: str, *allowed: str) -> str:
    """Return variable `name`, which is one of a few words. Raises ConfigurationError for other values."""
    value = text(name)
    if value not in allowed:
        raise ConfigurationError(f"{name}: {value!a} must be {' or '.join(allowed)}")
    return value


def number(name: str, *, least: int = 0, most: int) -> int:
    """Return variable `name` as a whole number from `least` to `most`. Raises ConfigurationError."""
    value = text(name)
    if not (value.isascii() and value.isdigit() and len(value) < 10 and least <= int(value) <= most):
        raise ConfigurationError(f"{name}: {value!a} must be a whole number from {least} to {most}")
    return int(value)


def lines(name: str) -> list[str]:
    """Return the lines of the file that variable `name` names; [] if unset. Raises ConfigurationError."""
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
    """Return variable `name`, HOST:PORT, as an Address. Raises ConfigurationError."""
    return parse_address(name, text(name))


def parse_address(name: str, value: str) -> Address:
    """Split `value`, HOST:PORT with an IPv6 host in brackets. Raises ConfigurationError, naming `name`."""
    match = ADDRESS.fullmatch(value)
    if match is None or int(match["port"]) > 65535:
        raise ConfigurationError(
            f"{name}: {value!r} must be HOST:PORT, for example 127.0.0.1:8000 or [::1]:8000"
        )
    if int(match["port"]) == 0:
        raise ConfigurationError(f"{name}: {value!r} must have a port from 1 to 65535")
    return Address(match["host"].strip("[]"), int(match["port"]))


def resolver(name: str) -> Address | None:
    """Return variable `name`, the address and the port of a name server, or None without it.

    Raises ConfigurationError.
    """
    value = text(name)
    return parse_address(name, value) if value else None


def tls_address(name: str) -> Address | None:
    """Return variable `name`, tls://HOST:PORT, as an Address; None if unset. Raises ConfigurationError."""
    value = text(name)
    if not value:
        return None
    if not value.startswith("tls://"):
        raise ConfigurationError(
            f"{name}: {value!a} must be tls://HOST:PORT, such as tls://logs.example:6514"
        )
    return parse_address(name, value.removeprefix("tls://"))


def readable(name: str) -> str:
    """Return variable `name`, the path of a file that can be read, or "". Raises ConfigurationError."""
    path = text(name)
    try:
        if path:
            Path(path).open("rb").close()
    except OSError as error:
        raise ConfigurationError(f"{name}: cannot read {path}: {reason(error)}") from None
    return path


def absolute_path(name: str) -> str:
    """Return variable `name`, an absolute path, or "" if unset. Raises ConfigurationError."""
    path = text(name)
    if path and not Path(path).is_absolute():
        raise ConfigurationError(f"{name}: {path!a} must be an absolute path")
    return path


def hosts(name: str) -> list[str]:
    """Return the hosts in variable `name` in their canonical spelling. Raises ConfigurationError.

    A leading dot stands for the hosts below a domain. The system checks refuse `*`.
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
    """Return the origin in variable `name`; if it is unset, the URL of a server that listens at `bind`.

    Raises ConfigurationError, also for a path: browsers take `__Host-` cookies for the root of a host only
    (RFC 6265bis section 4.1.3.2).
    """
    given = text(name)
    if not given:
        return origin(f"{name}, from KEYHOUSE_BIND", own_url(*bind))
    address = page(name, given)
    if urlsplit(given).path not in {"", "/"}:
        parts = urlsplit(address)
        raise ConfigurationError(
            f"{name}: {given!a} has a path, but Keyhouse is served at the root of a host, because its "
            f"__Host- cookies need the root. Give {parts.scheme}://{parts.netloc} if Keyhouse can have that "
            f"host, or make a host name for it, and give its address"
        )
    return address


def own_url(host: str, port: int) -> str:
    """Return the URL of a server that listens there; localhost stands for "every address"."""
    shown = "localhost" if names.is_every_address(host) else f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"


def origin(name: str, value: str) -> str:
    """Return `value` as `page` does. Raises ConfigurationError as `page` does, and if it has a path."""
    address = page(name, value)
    parts = urlsplit(address)
    if urlsplit(value).path not in {"", "/"}:
        raise ConfigurationError(f"{name}: {value!a} has a path; give {parts.scheme}://{parts.netloc}")
    return address


def origins(name: str) -> list[str]:
    """Return the origins in variable `name` as browsers send them (RFC 6454 section 6.2).

    Raises ConfigurationError.
    """
    return list(dict.fromkeys(_origin_of_pages(name, item) for item in items(name)))


def _origin_of_pages(name: str, text: str) -> str:
    if text in {"*", "null"}:
        raise ConfigurationError(f"{name}: {text} would admit every web page; name origins, {ORIGIN_EXAMPLE}")
    spelled = origin(name, text)
    if text.endswith("/"):
        raise ConfigurationError(f"{name}: {text!a} ends with a slash; give {spelled}")
    return spelled


def page(name: str, value: str) -> str:
    """Return `value`, an http:// or https:// address, with a canonical host and without a trailing slash.

    Raises ConfigurationError, naming `name`, for other values and for addresses with a user or a query.
    """
    try:
        parts = urlsplit(value)
        is_good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or not value.isprintable() or any(character in value for character in " @?#\\"):
        raise ConfigurationError(
            f"{name}: {value!a} must be an http:// or https:// address without ?, #, @ or spaces"
        )
    try:
        address = names.spell_url(value)
    except ValueError as error:
        raise ConfigurationError(f"{name}: {value!a} has a host that clients cannot call: {error}") from None
    if names.is_every_address(names.host_of(address)):
        raise ConfigurationError(
            f"{name}: {value!a} is where the server listens; set the address that clients use"
        )
    return address.rstrip("/")


def download(name: str) -> str:
    """Return variable `name`, an address to fetch something from: https://, or http:// at this machine.

    Raises ConfigurationError.
    """
    address = page(name, text(name))
    if address.startswith("http://") and not names.is_loopback(names.host_of(address)):
        raise ConfigurationError(f"{name}: {address!a} must begin with https://")
    return address


def reason(error: OSError | UnicodeDecodeError) -> str:
    """Return in words why a file cannot be used."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return "it is not UTF-8 text"
