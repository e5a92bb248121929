"""The ASGI application in front of the WSGI application: it does everything that cannot block.

It reads the head and answers from memory if it can. Otherwise it reads the body, has Django answer in a
thread, keeps the answer for as long as the answer asks for, and sends it. No thread waits for a client or
for time to pass.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import closing
from functools import partial
from hashlib import sha256
from io import BytesIO
from typing import Any, NamedTuple

from django.conf import settings

from config.server import observed
from config.server.answers import (
    PIECE,
    Answer,
    DeferredAnswer,
    Unread,
    WrittenAnswer,
    answer_preflight,
    call_wsgi,
    refusal,
)
from config.server.batches import Batches
from config.server.body import Receive, read_body
from config.server.body_memory import BodyMemory, Share
from config.server.connection.plain_head import MAX_SIZE, NOTHING, plain_scope
from config.server.environ import environ_of, has_body
from config.server.in_flight import TooManyInFlight
from config.server.limits import CHECK_THREADS, MAX_QUEUED_CHECKS, MOST_TOGETHER
from config.server.pools import Paths, Pools
from config.server.refusals import RefusedRequest
from config.server.threads import QueueFull
from config.wire.http.client_ip import counted_address
from config.wire.http.heads import REQUEST_ID, PlainHead
from config.wire.http.middleware import new_request_id
from config.wire.problems import FAILED

Send = Callable[[dict[str, Any]], Awaitable[None]]

CLOSING = {"Connection": "close"}
RETRY = {"Retry-After": "1"}

log = logging.getLogger("keyhouse.server")


class Checks(NamedTuple):
    """Functions that answer checks of proxies. They return None, and have done nothing, if they cannot.

    `from_memory` does nothing that may block, nor does `repeated`, which answers the bytes of an earlier
    check by their fingerprint. `together` and `in_thread` may block.
    """

    from_memory: Callable[[PlainHead], Answer | Unread | None]
    repeated: Callable[[bytes], WrittenAnswer | None]
    together: Callable[[Sequence[Any]], Sequence[Answer | None]]  # what `from_memory` has left Unread
    in_thread: Callable[[PlainHead], Answer | None]


class Edge:
    """Answers ASGI requests: `checks` from memory or in a thread, all others by `application` in a thread."""

    def __init__(self, application: Callable[..., Any], checks: Checks, paths: Paths) -> None:
        self._application, self._checks = application, checks
        self._beginnings = tuple(f"GET {path}".encode() for path in paths.checks)
        self._pools = Pools(paths)
        self._batches = Batches(
            self._pools.checks,
            checks.together,
            most=MOST_TOGETHER,
            at_once=CHECK_THREADS,
            max_waiting=MAX_QUEUED_CHECKS,
        )
        self._body_memory = BodyMemory()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        await deliver(await self._answer(scope, receive), scope["method"], send)

    def answer_plain(
        self, data: bytes, server: Any, client: Any, scheme_headers: Mapping[bytes, bytes] = NOTHING
    ) -> WrittenAnswer | Coroutine[Any, Any, Answer] | None:
        """Answer `data` if it is exactly one plain request: from memory, or else in a thread.

        Returns None, and has done nothing, if it is something else. `server` and `client` are the addresses
        of the connection.
        """
        digest = b""
        if len(data) <= MAX_SIZE and data.startswith(self._beginnings):
            digest = fingerprint(data, client)
            repeated = self._checks.repeated(digest)
            if repeated is not None:
                return repeated
        scope = plain_scope(data, server, client, scheme_headers)
        if scope is None:
            return None
        head = _head(scope, digest)
        found = self._checks.from_memory(head)
        if not isinstance(found, Answer):
            return self._answer_later(head, found)
        observed.end(head, found.status)
        return WrittenAnswer.of(found)

    async def _answer_later(self, head: PlainHead, unread: Unread | None) -> Answer:
        return await _observed(self._in_thread(head, unread), head)

    def stop(self) -> None:
        """Wait until all work in threads is done."""
        self._pools.stop()

    async def _answer(self, scope: dict[str, Any], receive: Receive) -> Answer:
        try:
            head = _head(scope)
        except RefusedRequest as error:
            answer = _refused(error, None)
            observed.refused(answer, scope["client"])
            return answer
        return await _observed(self._answer_head(head, scope, receive), head)

    async def _answer_head(self, head: PlainHead, scope: dict[str, Any], receive: Receive) -> Answer:
        if not has_body(scope):
            found = self._checks.from_memory(head) or answer_preflight(head)
            return found if isinstance(found, Answer) else await self._in_thread(head, found)
        with self._body_memory.share(counted_address(head)) as share:
            await _add_body(head.META, receive, share)
            return await self._in_thread(head)

    async def _in_thread(self, head: PlainHead, unread: Unread | None = None) -> Answer:
        pool = self._pools.pool_for(head.method, head.path_info)
        credential = head.META.get("HTTP_AUTHORIZATION", "") if pool.counts_credentials else ""
        work, address = partial(self._answer_of_thread, head), counted_address(head)
        with pool.in_flight.count(address=address, credential=credential):
            answer = await self._batches.run(unread, address) if unread else None
            if answer is not None:
                return answer
            return await _when_due(await pool.threads.run(work, address, credential))

    def _answer_of_thread(self, head: PlainHead) -> DeferredAnswer:
        with observed.in_thread(head):
            answer = self._checks.in_thread(head)
            return DeferredAnswer(answer) if answer else call_wsgi(self._application, head.META)


async def _observed(answering: Awaitable[Answer], head: PlainHead) -> Answer:
    """Return the answer, or a refusal, and log it. If the task is cancelled, the client is gone."""
    status = observed.CLIENT_GONE
    try:
        answer = await _or_refusal(answering, head)
        status = answer.status
        return answer
    finally:
        observed.end(head, status)


async def _or_refusal(answering: Awaitable[Answer], head: PlainHead) -> Answer:
    """Return the answer, or a refusal that says why the server cannot give it."""
    try:
        return await answering
    except RefusedRequest as error:
        return _refused(error, head)
    except TooManyInFlight:
        detail = "You have too many requests in flight. Wait for their answers."
        return refusal(429, "too_many_requests", detail, head=head, headers=RETRY)
    except QueueFull:
        detail = "The server is busy. Try again in a second."
        return refusal(503, "unavailable", detail, head=head, headers=RETRY)
    except Exception:  # a bug: the answer is a 500 like Django's, and the connection stays open
        with observed.in_thread(head):
            log.exception("request %s", head.META[REQUEST_ID])
        return refusal(500, "server_error", FAILED, head=head)


def _refused(error: RefusedRequest, head: PlainHead | None) -> Answer:
    """Return the answer to what cannot be read: the rest of its body would be taken for the next request."""
    headers = CLOSING | (RETRY if error.retry_after else {})
    return refusal(error.status, error.code, error.detail, head=head, headers=headers)


def fingerprint(data: bytes, client: Any) -> bytes:
    """Return what stands for these bytes of this client: they hold a credential, which must not be kept."""
    return sha256(b"%b\n%b" % (str(client and client[0]).encode(), data)).digest()


def _head(scope: dict[str, Any], fingerprint: bytes = b"") -> PlainHead:
    """Return the head of a request, with a request id. Raises RefusedRequest."""
    environ = environ_of(scope)
    environ[REQUEST_ID] = new_request_id(environ.get("HTTP_X_REQUEST_ID", ""))
    head = PlainHead.of(environ, fingerprint)
    observed.begin(head)
    return head


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
