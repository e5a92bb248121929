"""Answers as they go over the connection: Django's, and refusals of the event loop in the same form."""

import re
from collections.abc import Callable, Iterable
from functools import cache
from http import HTTPStatus
from tempfile import SpooledTemporaryFile
from types import MethodType
from typing import IO, Any, NamedTuple

from django.http import HttpResponse

from config.waiting import Deferral, deferring
from config.wire.http import cors
from config.wire.http.heads import REQUEST_ID, Head
from config.wire.http.middleware import new_request_id, secure
from config.wire.problems import problem_response

PIECE = 64 * 1024  # bytes
IN_MEMORY = 1024 * 1024  # bytes of a streamed answer; a longer one goes to a temporary file

WITHOUT_BODY = {204, 304}
CONTROL = re.compile(rb"[^\t\r\n\x20-\x7e\x80-\xff]")

Lines = list[tuple[bytes, bytes]]


class Answer(NamedTuple):
    """A status, header lines, and the body: bytes, or a file."""

    status: int
    lines: Lines
    body: bytes = b""
    file: IO[bytes] | None = None

    @property
    def is_in_one_piece(self) -> bool:
        """Whether it can be written at once, and ends where its Content-Length says."""
        is_short = self.file is None and len(self.body) <= PIECE and self.status not in WITHOUT_BODY
        return is_short and (b"Content-Length", b"%d" % len(self.body)) in self.lines


class Unread:
    """A check whose caller has to be read first. One query reads the callers of many such checks."""

    __slots__ = ()


class WrittenAnswer(NamedTuple):
    """A short answer in bytes. Its head lacks the empty line at the end, and the headers of the server."""

    head: bytes
    body: bytes = b""

    @property
    def is_malformed(self) -> bool:
        """Whether a header has characters that no header may have."""
        return CONTROL.search(self.head) is not None

    @classmethod
    def of(cls, answer: Answer) -> "WrittenAnswer":
        return cls(_status_line(answer.status) + written(answer.lines), answer.body)


def written(lines: Lines) -> bytes:
    return b"".join(b"%b: %b\r\n" % line for line in lines)


@cache
def _status_line(status: int) -> bytes:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()


class FileBody(NamedTuple):
    """The wsgi.file_wrapper of PEP 3333: the file is read and closed while the answer is sent."""

    file: IO[bytes]
    block_size: int = PIECE


AT_ONCE = Deferral()


class DeferredAnswer(NamedTuple):
    """An answer, and the moment before which it must not leave."""

    answer: Answer
    deferral: Deferral = AT_ONCE


def of_response(response: HttpResponse) -> Answer:
    """Return a Django response, which is not streamed, as an answer."""
    return Answer(response.status_code, encoded(response.headers.items()), response.content)


def encoded(headers: Iterable[tuple[str, str]]) -> Lines:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def refusal(
    status: int, code: str, detail: str, *, head: Head | None = None, headers: dict[str, str] | None = None
) -> Answer:
    """Return a problem document. `head` is that of the request, None if it could not be read."""
    return _finished(problem_response(status, code, detail, headers=headers), head)


def answer_preflight(head: Head) -> Answer | None:
    """Answer a page's question whether it may send a request; None if the head asks none."""
    response = cors.preflight(head)
    return None if response is None else _finished(response, head)


def _finished(response: HttpResponse, head: Head | None) -> Answer:
    """Return a response as an answer, with the headers that Django's middleware sets elsewhere."""
    secure(response).headers["X-Request-ID"] = head.META[REQUEST_ID] if head else new_request_id("")
    if head is not None:
        cors.share(head, response)
    return of_response(response)


def call_wsgi(application: Callable[..., Any], environ: dict[str, Any]) -> DeferredAnswer:
    """Call the WSGI application. Its answer needs neither this thread nor the database any more."""
    started: list[tuple[int, Lines]] = []

    def start_response(status: str, headers: list[tuple[str, str]], error: object = None) -> None:
        started.append((int(status[:3]), encoded(headers)))

    environ["wsgi.file_wrapper"] = FileBody
    with deferring() as deferral:
        response = application(environ, start_response)
        if isinstance(response, FileBody):
            return DeferredAnswer(Answer(*started[-1], file=response.file), deferral)
        try:
            status, lines = started[-1]
            return DeferredAnswer(_with_body(status, lines, response), deferral)
        finally:
            response.close()
            _release(response)


def _release(response: Any) -> None:
    """Break the cycles in which DRF keeps a view, its request with its body, and its response.

    Only the garbage collector would find them, and it takes longer to look for them than to authenticate.
    """
    context = getattr(response, "renderer_context", {})
    if {"view", "request"} <= context.keys():
        view = context["view"]
        for name, value in list(vars(view).items()):
            if isinstance(value, MethodType) and value.__self__ is view:
                delattr(view, name)
        context["request"].parser_context.clear()
        context.clear()


def _with_body(status: int, lines: Lines, response: Any) -> Answer:
    if not getattr(response, "streaming", True):
        return Answer(status, lines, b"".join(response))
    spool = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (the sender closes it)
    spool.writelines(response)
    length = spool.tell()
    spool.seek(0)
    if length > IN_MEMORY:
        return Answer(status, lines, file=spool)
    with spool:
        return Answer(status, lines, spool.read())
