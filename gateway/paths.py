"""Spells the path of a request in one way, or refuses it. Independent of Django.

The service behind the proxy parses the path again, by its own rules. The gateway therefore refuses every
path that two parsers could read differently: dot segments, empty segments, encoded slashes, `;` parameters,
control characters. It does not normalize them, because the service might normalize differently.
"""

import re

LONGEST = 8000  # characters; leaves room in a request line of 8,190, the limit of gunicorn and nginx
# A path segment: literal characters (RFC 3986 section 3.3, without ";") and encoded ones.
PLAIN = re.compile(r"[A-Za-z0-9._~!$&'()*+,=:@%-]*")
ENCODED = re.compile(r"%([0-9A-Fa-f]{2})")
BROKEN_ENCODING = re.compile(r"%(?![0-9A-Fa-f]{2})")
FORBIDDEN_BYTES = frozenset(b"/\\.;%?#") | frozenset(range(32)) | {127}


class RefusedPath(ValueError):
    """A path that the gateway does not match, because parsers could read it in more than one way."""


def segments(uri: str) -> list[str]:
    """Return the path segments of `uri`, "/path?query", decoded where every parser would decode them.

    A trailing slash is ignored, because many services ignore it. Raises RefusedPath, which says why.
    """
    if len(uri) > LONGEST:
        raise RefusedPath("the path is too long")
    path = uri.partition("?")[0]
    if not path.startswith("/"):
        raise RefusedPath("the path does not begin with /")
    found = [_segment(segment) for segment in path[1:].removesuffix("/").split("/")]
    if "" in found:
        raise RefusedPath("the path has an empty segment")
    return found


def _segment(raw: str) -> str:
    if not PLAIN.fullmatch(raw):
        raise RefusedPath("the path contains a character that must be encoded, or a ;")
    text = _decoded(raw) if "%" in raw else raw
    if text in {".", ".."}:
        raise RefusedPath("the path has a dot segment")
    return text


def _decoded(raw: str) -> str:
    if BROKEN_ENCODING.search(raw):
        raise RefusedPath("the path contains a % without two hex digits")
    text = ENCODED.sub(_decode, raw)
    _check_utf8(raw)
    return text


def _decode(match: re.Match[str]) -> str:
    """Decode what needs no encoding, as services do; keep the rest in capitals (RFC 3986 section 6.2.2)."""
    byte = int(match[1], 16)
    if byte in FORBIDDEN_BYTES:
        raise RefusedPath(f"the path contains {match[0]}")
    return chr(byte) if PLAIN.fullmatch(chr(byte)) else match[0].upper()


def _check_utf8(raw: str) -> None:
    octets = ENCODED.sub(lambda match: chr(int(match[1], 16)), raw)
    try:
        octets.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        raise RefusedPath("the path is not UTF-8") from None
