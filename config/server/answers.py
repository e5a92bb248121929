"""Answers as they stand on the line: Django's, and refusals in the same form, made on the event loop."""

from collections.abc import Callable, Iterable
from tempfile import SpooledTemporaryFile
from typing import IO, Any, NamedTuple

from django.http import HttpResponse

from config.waiting import Held, holding
from config.wire.http.middleware import new_request_id, secure
from config.wire.problems import problem_response

PIECE = 64 * 1024  # bytes
IN_MEMORY = 1024 * 1024  # bytes of a streamed answer; what is longer goes to a temporary file

Lines = list[tuple[bytes, bytes]]


class Answer(NamedTuple):
    """A status, header lines, and a body; a long one in a file."""

    status: int
    lines: Lines
    body: bytes = b""
    file: IO[bytes] | None = None


class FileBody(NamedTuple):
    """A body that is a file (wsgi.file_wrapper of PEP 3333): it is read, and closed, where it is sent."""

    file: IO[bytes]
    block_size: int = PIECE


class Finished(NamedTuple):
    """An answer, and how long it has to be held."""

    answer: Answer
    held: Held


def of_response(response: HttpResponse) -> Answer:
    """Return a plain Django response as an answer."""
    return Answer(response.status_code, encoded(response.headers.items()), response.content)


def encoded(headers: Iterable[tuple[str, str]]) -> Lines:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def refusal(
    status: int, code: str, detail: str, *, request_id: str = "", headers: dict[str, str] | None = None
) -> Answer:
    """Return a problem document with the headers that every answer has."""
    response = secure(problem_response(status, code, detail, headers=headers))
    response.headers["X-Request-ID"] = request_id or new_request_id("")
    return of_response(response)


def finished(application: Callable[..., Any], environ: dict[str, Any]) -> Finished:
    """Have the WSGI application answer, in this thread, which is free of the answer when this returns."""
    started: list[tuple[int, Lines]] = []

    def start_response(status: str, headers: list[tuple[str, str]], error: object = None) -> None:
        started.append((int(status[:3]), encoded(headers)))

    environ["wsgi.file_wrapper"] = FileBody
    with holding() as held:
        response = application(environ, start_response)
        if isinstance(response, FileBody):
            return Finished(Answer(*started[-1], file=response.file), held)
        try:
            status, lines = started[-1]
            return Finished(_with_body(status, lines, response), held)
        finally:
            response.close()


def _with_body(status: int, lines: Lines, response: Any) -> Answer:
    if not getattr(response, "streaming", True):
        return Answer(status, lines, b"".join(response))
    spool = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (closed by who sends it)
    spool.writelines(response)
    length = spool.tell()
    spool.seek(0)
    if length > IN_MEMORY:
        return Answer(status, lines, file=spool)
    with spool:
        return Answer(status, lines, spool.read())
