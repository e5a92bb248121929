"""The body of a request, read on the event loop: no thread waits for a client that sends slowly."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from config.server.environ import RefusedHead
from config.server.limits import BODY_SECONDS

ENDS_EARLY = "The body is shorter than its Content-Length, or its chunks are malformed or end too early."
Receive = Callable[[], Awaitable[dict[str, Any]]]


async def read_body(receive: Receive, declared: str, most: int) -> bytes:
    """Return the whole body, of `most` bytes; `declared` is its Content-Length, if it has one.

    Raises RefusedHead for one that is too large, too slow, or ends too early.
    """
    if len(declared.lstrip("0")) > len(str(most)) or int(declared or "0") > most:
        raise too_large(most)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read(receive, most)
    except TimeoutError:
        detail = f"The body did not arrive within {BODY_SECONDS:.0f} seconds."
        raise RefusedHead(408, "request_timeout", detail) from None


async def _read(receive: Receive, most: int) -> bytes:
    body, goes_on = bytearray(), True
    while goes_on:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RefusedHead(400, "parse_error", ENDS_EARLY)
        body += message.get("body", b"")
        if len(body) > most:
            raise too_large(most)
        goes_on = message.get("more_body", False)
    return bytes(body)


def too_large(most: int) -> RefusedHead:
    return RefusedHead(413, "too_large", f"The body is larger than {most // 2**20} MiB.")
