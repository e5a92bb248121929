"""Checking and comparing redirect addresses. Independent of the database."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from accounts.users.names import check_no_credential
from config.wire.errors import Invalid, Sentence

LONGEST = 2000
LOOPBACK = ("127.0.0.1", "::1", "localhost")  # RFC 8252 section 7.3: programs on the person's own machine
PORT = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\])):([1-9][0-9]{0,4})(?=[/?]|\Z)")
HIGHEST_PORT = 65535


def clean_redirect_uri(text: str) -> str:
    """Return a redirect address: https, or http on the loopback interface. Raises Invalid.

    Wildcards are not allowed, nor are fragments (RFC 6749 section 3.1.2).
    """
    if len(text) > LONGEST:
        raise Invalid("redirect_uris", Sentence("must have at most %(most)d characters", most=LONGEST))
    check_no_credential("redirect_uris", text)
    try:
        parts = urlsplit(text)
        is_good = parts.port != 0 and parts.username is None and parts.password is None
    except ValueError:
        is_good = False
    if not is_good or not text.isascii() or not text.isprintable() or set(text) & set(' #*"<>\\'):
        raise Invalid(
            "redirect_uris",
            Sentence(
                "%(text)s must be a URL in ASCII without user name, password, port 0, fragment, spaces or "
                '* " < > \\',
                text=ascii(text),
            ),
        )
    is_loopback = parts.scheme == "http" and parts.hostname in LOOPBACK
    if not parts.hostname or (parts.scheme != "https" and not is_loopback):
        raise Invalid(
            "redirect_uris",
            Sentence("%(text)s must use https, or http with a loopback address", text=ascii(text)),
        )
    return text


def is_allowed(uri: str, registered: Iterable[str]) -> bool:
    """Whether `uri` is one of the registered addresses, compared exactly (RFC 9700 section 2.1).

    The port of http://127.0.0.1 and http://[::1] may differ, because the operating system assigns it when the
    program starts (RFC 8252 section 7.3).
    """
    return _without_port(uri) in map(_without_port, registered)


def _without_port(uri: str) -> str:
    found = PORT.match(uri)
    has_port = found is not None and int(found[2]) <= HIGHEST_PORT
    return found[1] + uri[found.end() :] if found and has_port else uri


def origin_of(uri: str) -> str:
    """Return scheme, host and port of an address."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"
