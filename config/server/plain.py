"""The head of a plain request, read from the bytes in which it came, without gunicorn's parser.

Most checks are plain: a GET without a body, in one piece, with names and values in ASCII, no name twice, and
nothing about the connection. It is read as the parser would read it, with which a test compares it
(tests/config/server/test_plain.py); all others are left to the parser.
"""

import re
from typing import Any

LONGEST = 16 * 1024  # bytes
HEAD = re.compile(
    rb"GET (/[A-Za-z0-9._~/-]{0,2000}) HTTP/1\.1\r\n"
    rb"((?:[A-Za-z0-9-]{1,64}:[\t\x20-\x7e]{0,8000}\r\n){1,90})\r\n"
)
# What frames a message, ends a connection, or makes another protocol of it; and what says again which scheme
# it was, and could contradict X-Forwarded-Proto.
NOT_PLAIN = frozenset(
    {
        *(b"content-length", b"transfer-encoding", b"expect", b"upgrade", b"te", b"trailer", b"connection"),
        *(b"http2-settings", b"keep-alive", b"proxy-connection", b"x-forwarded-ssl", b"x-forwarded-protocol"),
    }
)


def plain_scope(data: bytes, server: Any, client: Any) -> dict[str, Any] | None:
    """Return the ASGI scope of the one request that `data` is, None if it is not a plain one."""
    if len(data) > LONGEST:
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
