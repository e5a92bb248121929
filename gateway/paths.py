"""The path of a request, in one spelling, or refused. Knows no Django.

The service behind the proxy reads the path again with rules of its own. Whatever two readers could
read differently (dot segments, empty segments, encoded slashes, `;` parameters, control characters) is
therefore refused, rather than cleaned up and perhaps cleaned up otherwise behind us.
"""

import re

LONGEST = 8000  # with room for the rest of a line of 8,190, which is what gunicorn and nginx read
# A path segment: characters that stand for themselves (RFC 3986 section 3.3, without ";"), and encoded ones.
PLAIN = re.compile(r"[A-Za-z0-9._~!$&'()*+,=:@%-]*")
ENCODED = re.compile(r"%([0-9A-Fa-f]{2})")
BROKEN_ENCODING = re.compile(r"%(?![0-9A-Fa-f]{2})")
FORBIDDEN_BYTES = frozenset(b"/\\.;%?#") | frozenset(range(32)) | {127}


class RefusedPath(ValueError):
    """A path that is not matched at all, because it could be read in more than one way."""


def segments(uri: str) -> list[str]:
    """Return the segments of the path of `uri`, "/path?query", decoded where only one reading is left.

    A slash at the end makes no difference, since to many services it makes none. Raises RefusedPath,
    which says why.
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
        raise RefusedPath("the path holds a character that must be encoded, or a ;")
    text = _decoded(raw) if "%" in raw else raw
    if text in {".", ".."}:
        raise RefusedPath("the path has a dot segment")
    return text


def _decoded(raw: str) -> str:
    if BROKEN_ENCODING.search(raw):
        raise RefusedPath("the path holds a % that encodes nothing")
    text = ENCODED.sub(_decode, raw)
    _check_utf8(raw)
    return text


def _decode(match: re.Match[str]) -> str:
    """Decode what needs no encoding, as services do; keep the rest, in capitals (RFC 3986 section 6.2.2)."""
    byte = int(match[1], 16)
    if byte in FORBIDDEN_BYTES:
        raise RefusedPath(f"the path holds an encoded {match[0]}")
    return chr(byte) if PLAIN.fullmatch(chr(byte)) else match[0].upper()


def _check_utf8(raw: str) -> None:
    octets = ENCODED.sub(lambda match: chr(int(match[1], 16)), raw)
    try:
        octets.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        raise RefusedPath("the path is not UTF-8") from None
