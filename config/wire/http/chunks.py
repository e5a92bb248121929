"""Bodies in chunks (RFC 9112 section 7.1), as streaming proxies send them: Django takes them for empty."""

import time
from io import BytesIO

from django.conf import settings
from django.core.handlers.wsgi import LimitedStream
from django.http import HttpRequest, HttpResponse
from gunicorn.http.errors import ParseException

from config.wire.problems import problem_response, too_large

STEP = 16 * 1024  # bytes
MOST_CPU_SECONDS = (
    0.25  # for what is a matter of milliseconds: a chunk for each byte of a MiB takes gunicorn 6 s
)


class TooCostlyError(Exception):
    """The chunks are so small that reading them would keep a core busy."""


def take_chunks(request: HttpRequest) -> HttpResponse | None:
    """Read a body in chunks, as if it had come with a Content-Length; return a refusal, or None."""
    if request.META["HTTP_TRANSFER_ENCODING"].strip().lower() != "chunked":
        return problem_response(
            501, "not_implemented", "The only transfer coding that is understood is chunked."
        )
    try:
        body = _read(request.META["wsgi.input"], settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
    except TooCostlyError:
        detail = "The chunks of the body are too small. Send fewer and larger ones, or a Content-Length."
        return problem_response(400, "parse_error", detail)
    except (ParseException, OSError):
        return problem_response(400, "parse_error", "The chunks of the body are malformed, or end too early.")
    if len(body) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        return too_large()
    request.META["CONTENT_LENGTH"] = str(len(body))
    setattr(request, "_stream", LimitedStream(BytesIO(body), len(body)))  # noqa: B010 (where Django reads)
    return None


def _read(stream: BytesIO, most: int) -> bytes:
    """Return the whole body, or its first `most` bytes. Raises TooCostlyError."""
    body, began = bytearray(), time.thread_time()
    while piece := stream.read(min(STEP, most - len(body))):
        body += piece
        if time.thread_time() - began > MOST_CPU_SECONDS:
            raise TooCostlyError
    return bytes(body)
