"""The ASGI application before the WSGI application: what need not block is done on the event loop.

Read the head, answer from memory what memory can answer; else read the body, have a thread answer, hold the
answer for as long as it says, and send it. No thread waits for a client, or for time to pass.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial
from io import BytesIO
from typing import Any

from django.conf import settings

from config.server import body, limits
from config.server.answers import PIECE, Answer, Finished, finished, refusal
from config.server.crowd import Crowd, TooManyAtOnce
from config.server.environ import RefusedHead, environ_of, has_body
from config.server.threads import Busy, Threads
from config.wire.http.client_ip import client_ip, network_of
from config.wire.http.heads import REQUEST_ID, Head, PlainHead
from config.wire.http.middleware import new_request_id

Early = Callable[[Head], Answer | None]
Send = Callable[[dict[str, Any]], Awaitable[None]]

CLOSING = {"Connection": "close"}
AGAIN = {"Retry-After": "1"}

log = logging.getLogger("keyhouse.server")


class Edge:
    """Answers ASGI requests; `early` answers from memory, or returns None and has done nothing.

    Requests under the paths `first` have threads of their own, since proxies and probes wait for them; so do
    those under `passwords`, since each waits for a hash: strangers could keep all other threads busy.
    """

    def __init__(
        self,
        application: Callable[..., Any],
        early: Early,
        *,
        first: tuple[str, ...],
        passwords: tuple[str, ...],
    ) -> None:
        self._application, self._early, self._first = application, early, first
        self._password_paths = passwords
        self._checks = Threads("checks", limits.CHECK_THREADS, limits.MOST_CHECKS_QUEUED)
        self._passwords = Threads("passwords", limits.PASSWORD_THREADS, limits.MOST_PASSWORDS_QUEUED)
        self._others = Threads("others", limits.OTHER_THREADS, limits.MOST_QUEUED)
        self._crowd = Crowd()

    async def __call__(self, scope: dict[str, Any], receive: body.Receive, send: Send) -> None:
        await deliver(await self._answer(scope, receive), scope["method"], send)

    def at_once(self, scope: dict[str, Any]) -> Answer | None:
        """Answer a request without a body from memory; None if that cannot be, and nothing has been done."""
        return self._early(_head(scope))

    def stop(self) -> None:
        """Return when all work is done."""
        for threads in (self._checks, self._passwords, self._others):
            threads.stop()

    async def _answer(self, scope: dict[str, Any], receive: body.Receive) -> Answer:
        request_id = ""
        try:
            head = _head(scope)
            request_id = head.META[REQUEST_ID]
            if has_body(scope):
                await _add_body(head.META, receive)
            else:
                early = self._early(head)
                if early is not None:
                    return early
            return await self._in_thread(head)
        except RefusedHead as error:  # what follows it on the connection cannot be told from its body
            return refusal(error.status, error.code, error.detail, request_id=request_id, headers=CLOSING)
        except TooManyAtOnce:
            detail = "Too many of your requests are in work at once. Wait for their answers first."
            return refusal(429, "too_many_requests", detail, request_id=request_id, headers=AGAIN)
        except Busy:
            detail = "The server is busy. Try again in a second."
            return refusal(503, "unavailable", detail, request_id=request_id, headers=AGAIN)
        except Exception:  # a bug in one request: it is a 500 like Django's, and the connection lives
            log.exception("request %s", request_id)
            detail = "Something went wrong here. It has been logged."
            return refusal(500, "server_error", detail, request_id=request_id)

    async def _in_thread(self, head: PlainHead) -> Answer:
        work = partial(finished, self._application, head.META)
        if head.path_info.startswith(self._first):
            return await _held(await self._checks.run(work))
        is_slow = head.path_info.startswith(self._password_paths)
        threads = self._passwords if is_slow else self._others
        address, credential = network_of(client_ip(head)), head.META.get("HTTP_AUTHORIZATION", "")
        with self._crowd.member(address=address, credential=credential):
            return await _held(await threads.run(work))


def _head(scope: dict[str, Any]) -> PlainHead:
    """Return the head of a request, named. Raises RefusedHead."""
    environ = environ_of(scope)
    environ[REQUEST_ID] = new_request_id(environ.get("HTTP_X_REQUEST_ID", ""))
    return PlainHead.of(environ)


async def _add_body(environ: dict[str, Any], receive: body.Receive) -> None:
    declared = environ.get("CONTENT_LENGTH", "")
    content = await body.read_body(receive, declared, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    environ["wsgi.input"], environ["CONTENT_LENGTH"] = BytesIO(content), str(len(content))


async def _held(done: Finished) -> Answer:
    """Return the answer when it may be given."""
    while (left := done.held.seconds_left()) > 0:
        await asyncio.sleep(left)
    return done.answer


async def deliver(answer: Answer, method: str, send: Send) -> None:
    """Send an answer, as fast as its client takes it."""
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.lines})
    if answer.file is not None:
        with closing(answer.file) as file:
            while piece := file.read(PIECE):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                await asyncio.sleep(0)  # else a client that takes it at once, or is gone, keeps the loop
    content = b"" if method == "HEAD" else answer.body
    await send({"type": "http.response.body", "body": content})
