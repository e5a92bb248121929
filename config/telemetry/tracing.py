"""Traces of requests and their statements, by OpenTelemetry, if OTEL_EXPORTER_OTLP_ENDPOINT is set.

Only `serve` starts it, in each process after the fork. Spans wait in a bounded queue, and a thread sends
them (BatchSpanProcessor): a collector that is slow or gone holds up no answer. OpenTelemetry reads its other
OTEL_… variables itself: headers, the sampler, timeouts, attributes of the resource.

A span has no path, query, header, address or value of a statement.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.db.backends.signals import connection_created

from config import env
from config.env import ConfigurationError
from config.telemetry.sentry import INSTALL

if TYPE_CHECKING:
    from opentelemetry.trace import Span

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL"
SERVICE = "OTEL_SERVICE_NAME"
PARENT = {"traceparent": "HTTP_TRACEPARENT", "tracestate": "HTTP_TRACESTATE"}  # W3C Trace Context
LONGEST = 2000  # characters of a statement

_tracer: Any = None


def is_wanted() -> bool:
    return bool(env.text(ENDPOINT)) and not env.flag("OTEL_SDK_DISABLED")


def check() -> None:
    """Raise ConfigurationError if traces are wanted, but cannot be sent."""
    if not is_wanted():
        return
    env.page(ENDPOINT, env.text(ENDPOINT))
    env.choice(PROTOCOL, "http/protobuf")
    try:
        import opentelemetry.exporter.otlp.proto.http.trace_exporter
        import opentelemetry.sdk.trace  # noqa: F401
    except ImportError:
        needed = "the packages opentelemetry-sdk and opentelemetry-exporter-otlp-proto-http"
        raise ConfigurationError(f"{ENDPOINT}: needs {needed}; {INSTALL}") from None


def start() -> None:
    """Start sending traces of this process."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    global _tracer
    for name in (ENDPOINT, SERVICE):
        os.environ[name] = env.text(name)  # it may come from NAME_FILE
    provider = TracerProvider(resource=Resource.create())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _tracer = provider.get_tracer("keyhouse")
    connection_created.connect(_trace_statements)


def begin(sent: dict[str, Any], method: str) -> "Span | None":
    """Begin the span of a request, in the trace that its head names; None if there are no traces."""
    if _tracer is None:
        return None
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier = {name: sent[variable] for name, variable in PARENT.items() if variable in sent}
    parent = TraceContextTextMapPropagator().extract(carrier)
    span: Span = _tracer.start_span(method, parent, kind=SpanKind.SERVER)
    span.set_attribute("http.request.method", method)
    return span


def end(span: "Span", *, method: str, route: str, status: int, credential: str, request_id: str) -> None:
    """End the span of a request."""
    from opentelemetry.trace import StatusCode

    span.update_name(route or method)
    span.set_attribute("http.response.status_code", status)
    for name, value in {"http.route": route, "keyhouse.credential": credential}.items():
        if value:
            span.set_attribute(name, value)
    span.set_attribute("keyhouse.request_id", request_id)
    if status >= 500:
        span.set_status(StatusCode.ERROR)
    span.end()


@contextmanager
def within(span: "Span | None") -> Iterator[None]:
    """Statements of this thread belong to the span while the block runs."""
    if span is None:
        yield
        return
    from opentelemetry.trace import use_span

    with use_span(span, record_exception=False, set_status_on_exception=False):
        yield


def _trace_statements(connection: Any, **_: Any) -> None:
    if _traced not in connection.execute_wrappers:  # a connection that is opened again keeps them
        connection.execute_wrappers.append(_traced)


def _traced(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Run a statement in a span, if it belongs to a request that is traced. Its values stay out."""
    from opentelemetry.trace import SpanKind, Status, StatusCode, get_current_span

    if not get_current_span().is_recording():
        return execute(sql, params, many, context)
    vendor, text = context["connection"].vendor, str(sql)[:LONGEST]
    operation = (text.split(maxsplit=1) or [""])[0].upper()
    attributes = {"db.system.name": vendor, "db.operation.name": operation, "db.query.text": text}
    with _tracer.start_as_current_span(
        operation,
        kind=SpanKind.CLIENT,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            return execute(sql, params, many, context)
        except Exception as error:  # its text may quote values
            span.set_attribute("error.type", type(error).__qualname__)
            span.set_status(Status(StatusCode.ERROR))
            raise
