"""Reads the body of a request on the event loop: no thread waits for a client that sends slowly."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from config.server.body_memory import Share, no_room
from config.server.limits import BODY_SECONDS
from config.server.refusals import RefusedRequest

ENDS_EARLY = "The body is shorter than its Content-Length, or its chunks are malformed or end too early."
Receive = Callable[[], Awaitable[dict[str, Any]]]


async def read_body(receive: Receive, declared: str, max_size: int, share: Share) -> bytes:
    """Return the whole body, which has `max_size` bytes at most; `declared` is its Content-Length or "".

    Raises RefusedRequest if the body is too large, too slow or too short, or if there is no memory for it.
    """
    if len(declared.lstrip("0")) > len(str(max_size)) or int(declared or "0") > max_size:
        raise too_large(max_size)
    try:
        async with asyncio.timeout(BODY_SECONDS) as deadline:
            with share.arriving(deadline):
                return await _read(receive, max_size, share)
    except TimeoutError:
        if share.is_withdrawn:
            raise no_room() from None
        detail = f"The body did not arrive within {BODY_SECONDS:.0f} seconds."
        raise RefusedRequest(408, "request_timeout", detail) from None


async def _read(receive: Receive, max_size: int, share: Share) -> bytes:
    body, goes_on = bytearray(), True
    while goes_on:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RefusedRequest(400, "parse_error", ENDS_EARLY)
        piece = message.get("body", b"")
        if len(body) + len(piece) > max_size:
            raise too_large(max_size)
        share.take(len(piece))
        body += piece
        goes_on = message.get("more_body", False)
    return bytes(body)


def too_large(max_size: int) -> RefusedRequest:
    return RefusedRequest(413, "too_large", f"The body is larger than {max_size // 2**20} MiB.")
