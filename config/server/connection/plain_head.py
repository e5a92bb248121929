"""Reads the head of a plain request without gunicorn's parser.

Most checks are plain: a GET without a body, in one piece, with names and values in ASCII, no name twice, and
no header about the connection. A plain head is read as the parser would read it
(tests/config/server/test_plain.py compares both readings). All other heads are left to the parser.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

MAX_SIZE = 16 * 1024  # bytes
HEAD = re.compile(
    rb"GET (/[A-Za-z0-9._~/%-]{0,2000})(?:\?([A-Za-z0-9._~/%!$&'()*+,;=:@?-]{0,2000}))? HTTP/1\.1\r\n"
    rb"((?:[A-Za-z0-9-]{1,64}:[\t\x20-\x7e]{0,8000}\r\n){1,90})\r\n"
)
KEEP_ALIVE = b"keep-alive"
NOTHING: Mapping[bytes, bytes] = MappingProxyType({})
# Headers that frame a message, end a connection or change its protocol, and those that could contradict the
# scheme in X-Forwarded-Proto.
NOT_PLAIN = frozenset(
    {
        *(b"content-length", b"transfer-encoding", b"expect", b"upgrade", b"te", b"trailer"),
        *(b"http2-settings", b"keep-alive", b"proxy-connection", b"x-forwarded-ssl", b"x-forwarded-protocol"),
    }
)


def plain_scope(
    data: bytes, server: Any, client: Any, scheme_headers: Mapping[bytes, bytes] = NOTHING
) -> dict[str, Any] | None:
    """Return the ASGI scope of `data` if that is exactly one plain request, else None.

    `scheme_headers` are those in which this client may say that its own client uses https, and how.
    """
    if len(data) > MAX_SIZE:
        return None
    found = HEAD.fullmatch(data)
    if found is None:
        return None
    headers, scheme = {}, "http"
    for line in found[3][:-2].split(b"\r\n"):
        name, _, value = line.partition(b":")
        name = name.lower()
        if name in headers or name in NOT_PLAIN:
            return None
        headers[name] = value.strip(b" \t")
        if name in scheme_headers and headers[name] == scheme_headers[name]:
            scheme = "https"
    if headers.get(b"connection", KEEP_ALIVE) != KEEP_ALIVE:
        return None
    return {
        "type": "http",
        "method": "GET",
        "scheme": scheme,
        "http_version": "1.1",
        "raw_path": found[1],
        "query_string": found[2] or b"",
        "headers": list(headers.items()),
        "server": server,
        "client": client,
    }
