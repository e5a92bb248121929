"""Errors reach Sentry, and traces a collector, without what clients sent. Both are free when off."""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from sentry_sdk.utils import Dsn

from config.env import ConfigurationError
from config.telemetry import sentry, tracing
from config.telemetry.sentry import cleaned
from tests.commands.helpers import assert_one_line
from tests.config.telemetry.receiving import Receiver, receiving
from tests.installation import MANAGE_PY, Installation, log_in_as_admin

pytestmark = pytest.mark.once

FAILING = {"DJANGO_SETTINGS_MODULE": "tests.running.failing_settings"}
SECRET = "Planted-5ecret-of-nobody"
PERSON = "ann@example.org"
ID = "of-this-request"
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
SAMPLED = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
DSN = "http://public@127.0.0.1:1/1"


class Seen(NamedTuple):
    key: dict[str, Any]
    sent: bytes
    events: list[dict[str, Any]]
    spans: list[Span]
    attributes: dict[str, str]  # of the service

    def of_request(self, name: str) -> Span:
        return next(each for each in self.spans if each.name == name)

    def statements_of(self, span: Span) -> list[str]:
        mine = [each for each in self.spans if each.parent_span_id == span.span_id]
        assert all(each.kind == Span.SPAN_KIND_CLIENT for each in mine)
        return [dict_of(each)["db.query.text"] for each in mine]


def dict_of(span: Span) -> dict[str, Any]:
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


def events_of(receiver: Receiver) -> list[dict[str, Any]]:
    """The events of envelopes, each of which has a head, and then a head and a body for each item."""
    found = []
    for body in receiver.bodies("/api/1/envelope/"):
        lines = body.splitlines()[1:]
        pairs = zip(lines[::2], lines[1::2], strict=True)
        found += [json.loads(item) for head, item in pairs if json.loads(head)["type"] == "event"]
    return found


@pytest.fixture(scope="module")
def seen(module_installation: Installation) -> Iterator[Seen]:
    """What Sentry and a collector get from a server."""
    with receiving() as receiver:
        endpoint = f"http://127.0.0.1:{receiver.port}"
        variables = {
            "SENTRY_DSN": endpoint.replace("//", "//public@") + "/1",
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        }
        with module_installation.serve(**FAILING, **variables) as server:
            token = log_in_as_admin(server)
            body = {"name": SECRET, "scopes": ["services:read"]}
            made = server.request("POST", "/api/v1/api-keys", headers=token, body=body).json()
            key = {"X-API-Key": made["key"]}
            failing = {**key, **SAMPLED, "X-Request-ID": ID, "X-Secret": SECRET, "From": PERSON}
            assert server.request("GET", f"/fail?{SECRET}", headers=failing).status == 500
            asked = {"X-Original-Method": "GET", "X-Original-URI": f"/services/a?{SECRET}"}
            for headers in ({**asked, **key, **SAMPLED}, {**asked, "X-API-Key": SECRET}):
                server.request("GET", "/gateway/check", headers=headers)
        requests = [ExportTraceServiceRequest.FromString(body) for body in receiver.bodies("/v1/traces")]
        resources = [each for request in requests for each in request.resource_spans]
        spans = [span for each in resources for scope in each.scope_spans for span in scope.spans]
        service = {each.key: each.value.string_value for each in resources[0].resource.attributes}
        sent = b"".join(each.body for each in receiver.posted)
        yield Seen(made, sent, events_of(receiver), spans, service)


def test_an_error_is_one_event_that_says_where_it_happened(seen: Seen) -> None:
    (event,) = seen.events
    (error,) = event["exception"]["values"]
    assert error["type"] == "RuntimeError"
    assert error["stacktrace"]["frames"][-1]["function"] == "fail"
    assert event["tags"] == {"request_id": ID}
    assert event["logger"] == "django.request" and event["level"] == "error"


def test_an_event_has_nothing_that_a_client_sent(seen: Seen) -> None:
    (event,) = seen.events
    assert event["exception"]["values"][0]["value"] == f"about {seen.key['key_prefix']}… of <…>"
    assert not {"request", "user", "extra", "breadcrumbs"} & event.keys()
    assert b'"vars"' not in seen.sent
    assert [secret for secret in (SECRET, seen.key["key"], PERSON) if secret.encode() in seen.sent] == []


def test_a_request_continues_the_trace_of_its_client(seen: Seen) -> None:
    span = seen.of_request("fail")
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    assert span.kind == Span.SPAN_KIND_SERVER and span.status.code == Status.STATUS_CODE_ERROR
    assert dict_of(span) == {
        "http.request.method": "GET",
        "http.response.status_code": 500,
        "http.route": "fail",
        "keyhouse.request_id": ID,
    }
    assert seen.attributes["service.name"] == "keyhouse"


def test_a_check_has_a_span_with_its_row_its_key_and_its_query(seen: Seen) -> None:
    spans = [each for each in seen.spans if each.name == "GET /services/**"]
    first, second = sorted(spans, key=lambda span: span.trace_id.hex() != TRACE)
    assert first.trace_id.hex() == TRACE and second.trace_id.hex() != TRACE
    assert dict_of(first)["keyhouse.credential"] == f"key:{seen.key['id']}"
    assert dict_of(second)["http.response.status_code"] == 401
    assert any("apikeys_apikey" in text for text in seen.statements_of(first))


def test_statements_of_a_view_are_spans_without_their_values(seen: Seen) -> None:
    statements = seen.statements_of(seen.of_request("api-key-list"))
    assert any(text.startswith("INSERT INTO") and "%s" in text for text in statements)


def test_neither_is_imported_when_it_is_off(installation: Installation) -> None:
    cold = replace(installation, manage_py=MANAGE_PY)  # not a fork of a process that has imported more
    with cold.serve(**FAILING) as server:
        modules = {name.partition(".")[0] for name in server.request("GET", "/process").json()["modules"]}
    assert not modules & {"sentry_sdk", "opentelemetry", "google"} and "django" in modules


def test_an_error_of_the_database_is_cut_before_the_row_that_it_quotes() -> None:
    error = {
        "type": "IntegrityError",
        "value": f"duplicate key\nDETAIL: Key (name)=({SECRET})",
        "stacktrace": {},
    }
    event = {"exception": {"values": [error]}, "request": {"url": SECRET}, "extra": {"request": SECRET}}
    assert SECRET not in str(cleaned(event))
    assert cleaned(event)["exception"]["values"][0]["value"] == "duplicate key"


@pytest.mark.parametrize("package", ["sentry_sdk.utils", "opentelemetry.sdk.trace"])
def test_a_missing_package_stops_the_start_and_is_named(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    is_sentry = package.startswith("sentry")
    words = "sentry-sdk; run" if is_sentry else "OTEL_EXPORTER_OTLP_ENDPOINT: needs the packages"
    with pytest.raises(ConfigurationError, match=words):
        sentry.check(DSN if is_sentry else "")
        tracing.check()


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "127.0.0.1:4318"}, "must be an http:// or https:// address"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "'grpc' must be http/protobuf"),
        ({"OTEL_SDK_DISABLED": "perhaps"}, "must be true or false"),
    ],
)
def test_wrong_variables_of_traces_stop_the_start(
    variables: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    for name, value in {**usual, **variables}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=f"^{next(iter(variables))}: .*{words}"):
        tracing.check()


def test_disabled_traces_are_off_whatever_else_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    assert tracing.is_wanted()
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert not tracing.is_wanted()


def test_a_wrong_dsn_stops_the_start_without_being_shown(installation: Installation) -> None:
    assert Dsn(DSN).public_key == "public"
    done = installation.manage("serve", SENTRY_DSN=f"https://{SECRET}")
    assert_one_line(done, "SENTRY_DSN", "must be https://KEY@HOST/PROJECT")
    assert SECRET not in done.stderr
