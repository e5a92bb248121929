"""The ASGI application in front of the WSGI application: it does everything that cannot block.

It reads the head and answers from memory if it can. Otherwise it reads the body, has Django answer in a
thread, keeps the answer for as long as the answer asks for, and sends it. No thread waits for a client or
for time to pass.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial
from io import BytesIO
from typing import Any

from django.conf import settings

from config.server.answers import PIECE, Answer, DeferredAnswer, answer_preflight, call_wsgi, refusal
from config.server.body import Receive, read_body
from config.server.body_memory import BodyMemory, Share
from config.server.environ import environ_of, has_body
from config.server.in_flight import TooManyInFlight
from config.server.pools import Paths, Pools
from config.server.refusals import RefusedRequest
from config.server.threads import QueueFull
from config.wire.http.client_ip import counted_address
from config.wire.http.heads import REQUEST_ID, Head, PlainHead
from config.wire.http.middleware import new_request_id

FromMemory = Callable[[Head], Answer | None]
Send = Callable[[dict[str, Any]], Awaitable[None]]

CLOSING = {"Connection": "close"}
RETRY = {"Retry-After": "1"}

log = logging.getLogger("keyhouse.server")


class Edge:
    """Answers ASGI requests.

    `from_memory` answers a request, or returns None and has done nothing; a thread then calls `application`.
    """

    def __init__(self, application: Callable[..., Any], from_memory: FromMemory, paths: Paths) -> None:
        self._application, self._from_memory = application, from_memory
        self._pools = Pools(paths)
        self._body_memory = BodyMemory()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        await deliver(await self._answer(scope, receive), scope["method"], send)

    def answer_from_memory(self, scope: dict[str, Any]) -> Answer | None:
        """Answer a request that has no body. Returns None if a thread has to, and has done nothing then."""
        return self._from_memory(_head(scope))

    def stop(self) -> None:
        """Wait until all work in threads is done."""
        self._pools.stop()

    async def _answer(self, scope: dict[str, Any], receive: Receive) -> Answer:
        head = None
        try:
            head = _head(scope)
            if not has_body(scope):
                at_once = self._from_memory(head) or answer_preflight(head)
                return at_once or await self._in_thread(head)
            with self._body_memory.share(counted_address(head)) as share:
                await _add_body(head.META, receive, share)
                return await self._in_thread(head)
        except RefusedRequest as error:  # the rest of its body would be taken for the next request
            headers = CLOSING | (RETRY if error.retry_after else {})
            return refusal(error.status, error.code, error.detail, head=head, headers=headers)
        except TooManyInFlight:
            detail = "You have too many requests in flight. Wait for their answers."
            return refusal(429, "too_many_requests", detail, head=head, headers=RETRY)
        except QueueFull:
            detail = "The server is busy. Try again in a second."
            return refusal(503, "unavailable", detail, head=head, headers=RETRY)
        except Exception:  # a bug: the answer is a 500 like Django's, and the connection stays open
            log.exception("request %s", head and head.META[REQUEST_ID])
            detail = "Something went wrong here. It has been logged."
            return refusal(500, "server_error", detail, head=head)

    async def _in_thread(self, head: PlainHead) -> Answer:
        pool = self._pools.pool_for(head.method, head.path_info)
        credential = head.META.get("HTTP_AUTHORIZATION", "") if pool.counts_credentials else ""
        with pool.in_flight.count(address=counted_address(head), credential=credential):
            deferred = await pool.threads.run(partial(call_wsgi, self._application, head.META))
            return await _when_due(deferred)


def _head(scope: dict[str, Any]) -> PlainHead:
    """Return the head of a request, with a request id. Raises RefusedRequest."""
    environ = environ_of(scope)
    environ[REQUEST_ID] = new_request_id(environ.get("HTTP_X_REQUEST_ID", ""))
    return PlainHead.of(environ)


async def _add_body(environ: dict[str, Any], receive: Receive, share: Share) -> None:
    declared = environ.get("CONTENT_LENGTH", "")
    content = await read_body(receive, declared, settings.DATA_UPLOAD_MAX_MEMORY_SIZE, share)
    environ["wsgi.input"], environ["CONTENT_LENGTH"] = BytesIO(content), str(len(content))


async def _when_due(deferred: DeferredAnswer) -> Answer:
    """Return the answer once it may leave."""
    while (left := deferred.deferral.seconds_left()) > 0:
        await asyncio.sleep(left)
    return deferred.answer


async def deliver(answer: Answer, method: str, send: Send) -> None:
    """Send an answer as fast as its client reads it."""
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.lines})
    if answer.file is not None:
        with closing(answer.file) as file:
            while piece := file.read(PIECE):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                await asyncio.sleep(0)  # `send` does not wait for a client that is fast, or gone
    content = b"" if method == "HEAD" else answer.body
    sent = 0
    while len(content) - sent > PIECE:  # the rest belongs to nobody until the client has read this
        await send({"type": "http.response.body", "body": content[sent : sent + PIECE], "more_body": True})
        sent += PIECE
    await send({"type": "http.response.body", "body": content[sent:]})
