"""Which addresses a client may be sent back to. Knows no database."""

from urllib.parse import urlsplit

from accounts.names import check_no_credential
from config.errors import Invalid

LONGEST = 2000
LOOPBACK = ("127.0.0.1", "::1", "localhost")  # RFC 8252 section 7.3: programs on the person's own machine


def clean_redirect_uri(text: str) -> str:
    """Return a redirect address: https, or http on the loopback interface. Raises Invalid.

    It is compared letter by letter, so there are no wildcards; a fragment is not allowed (RFC 6749
    section 3.1.2).
    """
    check_no_credential("redirect_uris", text)
    try:
        parts = urlsplit(text)
        is_good = parts.port != 0 and parts.username is None and parts.password is None
    except ValueError:
        is_good = False
    if not is_good or not text.isascii() or not text.isprintable() or set(text) & set(' #*"<>\\'):
        raise Invalid("redirect_uris", f"{text!a} is not an address without user, fragment and *")
    is_loopback = parts.scheme == "http" and parts.hostname in LOOPBACK
    if not parts.hostname or (parts.scheme != "https" and not is_loopback):
        raise Invalid("redirect_uris", f"{text!a} is neither https:// nor http:// on this machine (loopback)")
    if len(text) > LONGEST:
        raise Invalid("redirect_uris", f"has more than {LONGEST} characters")
    return text


def origin_of(uri: str) -> str:
    """Return scheme, host and port of an address."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"
