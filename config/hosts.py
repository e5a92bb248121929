"""Names of hosts in the one spelling that all of them are compared in. Knows no Django."""

import re
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from urllib.parse import SplitResult, unquote, urlsplit

import idna

LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
NAME = re.compile(rf"{LABEL}(?:\.{LABEL})*")
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")  # browsers read a name that ends so as an IPv4 address
LONGEST_NAME = 253
DEFAULT_PORTS = {"http": 80, "https": 443}


def ascii_domain(text: str) -> str:
    """Return a domain in lower-case A-labels (RFC 5890), mapped by UTS 46, non-transitional: ß is not ss.

    Raises ValueError for what IDNA 2008 does not allow. An ASCII name is not looked at more closely.
    """
    return text.lower() if text.isascii() else idna.encode(text, uts46=True).decode("ascii")


def spell_host(text: str) -> str:
    """Return a host in its one spelling: A-labels without a dot at the end, an IPv6 address in brackets.

    Raises ValueError, with words for people, for what is no host that a browser could name (RFC 3986
    section 3.2.2, RFC 1123 section 2.1).
    """
    if text.startswith("[") or ":" in text:
        return f"[{_ipv6(text.removeprefix('[').removesuffix(']'))}]"
    name = ascii_domain(unquote(text, errors="strict")).removesuffix(".")
    if len(name) > LONGEST_NAME or not NAME.fullmatch(name):
        raise ValueError("a name of a host has letters, digits, hyphens and single dots")
    if NUMBER.fullmatch(name.rpartition(".")[2]):
        return str(ip_address(name))
    return name


def _ipv6(text: str) -> IPv6Address:
    if "%" in text:
        raise ValueError("a zone means something on one machine only")
    return IPv6Address(text)


def spell_authority(text: str, scheme: str) -> str:
    """Return HOST or HOST:PORT in its one spelling, without `scheme`'s default port. Raises ValueError."""
    if any(character in text for character in " /?#\\") or not text.isprintable():
        raise ValueError("it is more than a host and a port")
    return _authority(urlsplit(f"{scheme}://{text}"))


def spell_url(text: str) -> str:
    """Return an http or https URL with its scheme and host in their one spelling. Raises ValueError."""
    parts = urlsplit(text)
    return parts._replace(netloc=_authority(parts)).geturl()


def _authority(parts: SplitResult) -> str:
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or parts.username is not None:
        raise ValueError("it does not name a host")
    host = spell_host(parts.hostname)
    return host if parts.port in {None, DEFAULT_PORTS[parts.scheme]} else f"{host}:{parts.port}"


@lru_cache(maxsize=1024)
def spell_header(value: str, scheme: str) -> str:
    """Return the value of a Host or an Origin header in its one spelling, unchanged if it is no good one.

    `scheme` is that of clients; an origin brings its own.
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


def is_every_address(host: str) -> bool:
    """Whether `host` is 0.0.0.0 or [::]: a server listens there, but no client can call it."""
    try:
        address = ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_unspecified
