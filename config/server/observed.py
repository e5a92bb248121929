"""What the server tells the access log and the trace about a request, from its head to its answer."""

import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from config import logs
from config.server.answers import Answer
from config.telemetry import access_log, tracing
from config.wire.http.client_ip import canonical, client_ip
from config.wire.http.heads import CREDENTIAL, REQUEST_ID, ROUTE, Head

BEGAN = "keyhouse.began"  # in META: when the head was read, on time.monotonic()
SPAN = "keyhouse.span"  # in META: that of the request
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
CLIENT_GONE = 499  # as in nginx: the client did not wait for its answer


def begin(head: Head) -> None:
    """Note when a request came, and begin its span."""
    head.META[BEGAN] = time.monotonic()
    head.META[SPAN] = tracing.begin(head.META, known(head.method))


@contextmanager
def in_thread(head: Head) -> Iterator[None]:
    """The block works on this request: log lines have its id, and statements are in its span."""
    token = logs.REQUEST_ID.set(head.META[REQUEST_ID])
    try:
        with tracing.within(head.META[SPAN]):
            yield
    finally:
        logs.REQUEST_ID.reset(token)


def together(heads: Iterable[Head]) -> AbstractContextManager[None]:
    """Return a context that works on these requests at once: its statements are in the span of the first."""
    spans = (head.META.get(SPAN) for head in heads)
    return tracing.within(next((span for span in spans if span is not None), None))


def end(head: Head, status: int) -> None:
    """Log the answer to a request, and end its span."""
    span = head.META[SPAN]
    if span is None and not access_log.is_on():
        return
    method, route, request_id = known(head.method), head.META.get(ROUTE, ""), head.META[REQUEST_ID]
    credential = str(head.META.get(CREDENTIAL, ""))
    if span is not None:
        tracing.end(
            span, method=method, route=route, status=status, credential=credential, request_id=request_id
        )
    access_log.record(
        began=head.META[BEGAN],
        status=status,
        method=method,
        route=route,
        credential=credential,
        address=client_ip(head),
        request_id=request_id,
    )


def known(method: str | None) -> str:
    """Return a method that HTTP knows, or "other": a client may send any word."""
    return method if method in METHODS else "other"


def refused(answer: Answer, client: Any) -> None:
    """Log the refusal of a head that could not be read. `client` is the address of the connection."""
    if access_log.is_on():
        access_log.record(
            began=time.monotonic(),
            status=answer.status,
            method="",
            route="",
            credential="",
            address=canonical(client[0]) if client else "",
            request_id=dict(answer.lines)[b"X-Request-ID"].decode(),
        )
