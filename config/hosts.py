"""Spells host names in one canonical way, so that they can be compared. Independent of Django."""

import re
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from urllib.parse import SplitResult, unquote, urlsplit

import idna

LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
NAME = re.compile(rf"{LABEL}(?:\.{LABEL})*")
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")  # browsers read a name with such an end as an IPv4 address
LONGEST_NAME = 253
DEFAULT_PORTS = {"http": 80, "https": 443}


def ascii_domain(text: str) -> str:
    """Return a domain in lower-case A-labels (RFC 5890), mapped by UTS 46, non-transitional: ß is not ss.

    Raises ValueError for a name that IDNA 2008 does not allow. ASCII names are only lower-cased.
    """
    return text.lower() if text.isascii() else idna.encode(text, uts46=True).decode("ascii")


def spell_host(text: str) -> str:
    """Return a host in canonical spelling: A-labels without a trailing dot, or an IPv6 address in brackets.

    Raises ValueError, with a message for people, for a host that no browser could call (RFC 3986 section
    3.2.2, RFC 1123 section 2.1).
    """
    if text.startswith("[") or ":" in text:
        return f"[{_ipv6(text.removeprefix('[').removesuffix(']'))}]"
    name = ascii_domain(unquote(text, errors="strict")).removesuffix(".")
    if len(name) > LONGEST_NAME or not NAME.fullmatch(name):
        raise ValueError("a host name may contain only letters, digits, hyphens and single dots")
    if NUMBER.fullmatch(name.rpartition(".")[2]):
        return str(ip_address(name))
    return name


def _ipv6(text: str) -> IPv6Address:
    if "%" in text:
        raise ValueError("an IPv6 zone is valid on one machine only")
    return IPv6Address(text)


def spell_authority(text: str, scheme: str) -> str:
    """Return HOST or HOST:PORT in canonical spelling, without `scheme`'s default port. Raises ValueError."""
    if any(character in text for character in " /?#\\") or not text.isprintable():
        raise ValueError("it must be only a host and a port")
    return _authority(urlsplit(f"{scheme}://{text}"))


def spell_url(text: str) -> str:
    """Return an http or https URL with its scheme and host in canonical spelling. Raises ValueError."""
    parts = urlsplit(text)
    return parts._replace(netloc=_authority(parts)).geturl()


def _authority(parts: SplitResult) -> str:
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or parts.username is not None:
        raise ValueError("it does not name a host")
    host = spell_host(parts.hostname)
    return host if parts.port in {None, DEFAULT_PORTS[parts.scheme]} else f"{host}:{parts.port}"


@lru_cache(maxsize=1024)
def spell_header(value: str, scheme: str) -> str:
    """Return the value of a Host or Origin header in canonical spelling, or unchanged if it is malformed.

    `scheme` is the one that clients use; an Origin has its own.
    """
    given, separator, authority = value.rpartition("://")
    try:
        return given.lower() + separator + spell_authority(authority, given.lower() or scheme)
    except ValueError:
        return value


def host_of(url: str) -> str:
    """Return the host of a URL, an IPv6 address in brackets."""
    host = urlsplit(url).hostname or ""
    return f"[{host}]" if ":" in host else host


def is_address(host: str) -> bool:
    """Whether `host`, in canonical spelling, is an IP address and no name."""
    return host.startswith("[") or NUMBER.fullmatch(host.rpartition(".")[2]) is not None


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine itself, to which no network leads: localhost, 127.0.0.0/8 or [::1]."""
    try:
        return host == "localhost" or ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


def is_every_address(host: str) -> bool:
    """Whether `host` is 0.0.0.0 or [::]: a server listens there, but no client can call it."""
    try:
        address = ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_unspecified
