"""Reads the head of a plain request without gunicorn's parser.

Most checks are plain: a GET without a body, in one piece, with names and values in ASCII, no name twice, and
no header about the connection. A plain head is read as the parser would read it
(tests/config/server/test_plain.py compares both readings). All other heads are left to the parser.
"""

import re
from typing import Any

MAX_SIZE = 16 * 1024  # bytes
HEAD = re.compile(
    rb"GET (/[A-Za-z0-9._~/-]{0,2000}) HTTP/1\.1\r\n"
    rb"((?:[A-Za-z0-9-]{1,64}:[\t\x20-\x7e]{0,8000}\r\n){1,90})\r\n"
)
# Headers that frame a message, end a connection or change its protocol, and those that could contradict the
# scheme in X-Forwarded-Proto.
NOT_PLAIN = frozenset(
    {
        *(b"content-length", b"transfer-encoding", b"expect", b"upgrade", b"te", b"trailer", b"connection"),
        *(b"http2-settings", b"keep-alive", b"proxy-connection", b"x-forwarded-ssl", b"x-forwarded-protocol"),
    }
)


def plain_scope(data: bytes, server: Any, client: Any) -> dict[str, Any] | None:
    """Return the ASGI scope of `data` if that is exactly one plain request, else None."""
    if len(data) > MAX_SIZE:
        return None
    found = HEAD.fullmatch(data)
    if found is None:
        return None
    headers = {}
    for line in found[2][:-2].split(b"\r\n"):
        name, _, value = line.partition(b":")
        name = name.lower()
        if name in headers or name in NOT_PLAIN:
            return None
        headers[name] = value.strip(b" \t")
    return {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "http_version": "1.1",
        "raw_path": found[1],
        "query_string": b"",
        "headers": list(headers.items()),
        "server": server,
        "client": client,
    }
