"""Each answer of a server is one line of the access log, however it was made, and waits for no line."""

import json
import os
import re
import socket
import struct
import threading
from typing import Any

import pytest

from config.telemetry import access_log
from config.telemetry.access_log import MOST_BYTES, AccessLog, Answered, Stdout
from tests.config.server.serving import all_of, connect, get, serving
from tests.config.server.test_body_memory import Gate
from tests.installation import Installation, Server, log_in_as_admin

pytestmark = pytest.mark.once

ID = "of-this-request"
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
SECRET = "Planted-5ecret-of-nobody"
JSON = {"KEYHOUSE_LOG_FORMAT": "json", "KEYHOUSE_ACCESS_LOG": "true"}


def answered(**changes: Any) -> Answered:
    usual = Answered(1_700_000_000.0625, 0.0015, 200, "GET", "GET /x/{name}", "key:1", "192.0.2.1", ID)
    return usual._replace(**changes)


def checking(key: str, uri: str, **more: str) -> dict[str, str]:
    return {"X-Original-Method": "GET", "X-Original-URI": uri, **({"X-API-Key": key} if key else {}), **more}


def mistyped(key: str) -> str:
    return key[:-1] + ("0" if key[-1] != "0" else "1")


@pytest.fixture(scope="module")
def served(module_installation: Installation) -> dict[str, dict[str, Any]]:
    """The log of a server that has answered in all ways, by request id; and "key", its API key."""
    with module_installation.serve("--workers", "1", **JSON) as server:
        token = log_in_as_admin(server)
        body = {"name": "k", "scopes": ["services:read"]}
        made = server.request("POST", "/api/v1/api-keys", headers=token, body=body).json()
        key = made["key"]
        ask(server, "check-in-thread", "/gateway/check", checking(key, f"/services/a?x={SECRET}"))
        ask(server, "check-in-memory", "/gateway/check", checking(key, f"/services/a?x={SECRET}"))
        for _ in range(2):
            ask(server, "check-repeated", "/gateway/check", checking(key, "/services/b"))
            ask(server, "check-refused-again", "/gateway/check", checking(mistyped(key), "/services/b"))
        ask(server, "check-open", "/gateway/check", checking("", "/services/a/health"))
        ask(server, "check-unknown-key", "/gateway/check", checking(SECRET, "/services/a"))
        ask(server, "check-no-row", "/gateway/check", checking(key, f"/{SECRET}"))
        ask(
            server,
            "check-denied",
            "/gateway/check",
            checking(key, "/services/a") | {"X-Original-Method": "PUT"},
        )
        ask(server, "view-by-key", f"/api/v1/auth/me?x={SECRET}", {"X-API-Key": key})
        ask(server, "view-by-token", f"/api/v1/api-keys/{made['id']}", token)
        ask(server, "view-of-nothing", f"/api/v1/nothing/{SECRET}", token)
        ask(server, "odd-method", "/health", {}, method="SECRET")
        ask(server, "preflight", "/health", {"Origin": "https://a.example"}, method="OPTIONS")
        for malformed in (f"GET /{SECRET}\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"):
            with connect(server.port) as client:
                client.sendall(malformed.encode())
                all_of(client)
    lines = [json.loads(line) for line in server.output.splitlines()]  # there is no other line
    assert not [word for word in (SECRET, key, token["Authorization"][7:]) if word in server.output]
    found = {line["request_id"]: line for line in lines if line.get("logger") == access_log.LOGGER}
    return {**found, "key": made}


def ask(server: Server, request_id: str, path: str, headers: dict[str, str], *, method: str = "GET") -> None:
    server.request(method, path, headers={"X-Request-ID": request_id, **headers})


@pytest.mark.parametrize(
    ("request_id", "status", "route", "has_key"),
    [
        ("check-in-thread", 200, "GET /services/**", True),
        ("check-in-memory", 200, "GET /services/**", True),
        ("check-repeated", 200, "GET /services/**", True),
        ("check-refused-again", 401, "GET /services/**", False),
        ("check-open", 200, "GET /services/{service}/health", False),
        ("check-unknown-key", 401, "GET /services/**", False),
        ("check-no-row", 403, "", False),
        ("check-denied", 403, "PUT /services/**", True),
        ("view-by-key", 200, "me", True),
    ],
)
def test_a_line_names_the_route_and_the_key(
    served: dict[str, dict[str, Any]], request_id: str, status: int, route: str, has_key: bool
) -> None:
    line = served[request_id]
    assert (line["status"], line["method"], line["route"]) == (status, "GET", route)
    assert line["credential"] == (f"key:{served['key']['id']}" if has_key else "")
    assert line["address"] == "127.0.0.1" and line["level"] == "INFO"
    assert line["duration_ms"] >= 0 and TIMESTAMP.fullmatch(line["timestamp"])


def test_a_line_names_the_session_of_a_person(served: dict[str, dict[str, Any]]) -> None:
    line = served["view-by-token"]
    assert line["credential"].startswith("jwt:") and line["route"] == "api-key-detail"


def test_refusals_by_the_server_itself_are_lines_too(served: dict[str, dict[str, Any]]) -> None:
    assert served["view-of-nothing"]["status"] == 404
    assert (served["odd-method"]["method"], served["odd-method"]["status"]) == ("other", 405)
    assert served["preflight"]["method"] == "OPTIONS"
    malformed = [line for line in served.values() if line.get("method") == ""]  # by gunicorn, and by the edge
    assert [(line["status"], line["address"]) for line in malformed] == [(400, "127.0.0.1")] * 2


def test_a_server_without_the_log_prints_no_lines(installation: Installation) -> None:
    with installation.serve() as server:
        server.request("GET", "/health")
    assert server.output.partition(server.awaited)[2] == "\n"


def test_a_line_of_text_has_the_same_fields() -> None:
    assert access_log.as_text(answered()) == (
        b"2023-11-14T22:13:20.062Z INFO keyhouse.access status=200 duration_ms=1.50 method=GET "
        b'route="GET /x/{name}" credential=key:1 address=192.0.2.1 request_id=of-this-request\n'
    )
    assert b'method=- route="" credential=- address=- ' in access_log.as_text(
        answered(method="", route="", credential="", address="")
    )


class Reader:
    """What the log writes, while nobody reads it: until `opened`, a write waits; or it fails with `error`."""

    def __init__(self, error: OSError | None = None) -> None:
        self.error, self.written = error, b""
        self.entered, self.opened = threading.Event(), threading.Event()

    def __call__(self, data: bytes) -> None:
        self.entered.set()
        if self.error is not None:
            raise self.error
        self.opened.wait(30)
        self.written += data


def test_lines_that_nobody_reads_hold_nothing_up_and_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "MOST_WAITING", 100)
    reader = Reader()
    log = AccessLog(reader, is_json=True)
    log.start()
    log.add(answered())
    assert reader.entered.wait(30)
    for _ in range(107):
        log.add(answered())
    reader.opened.set()
    log.stop()
    lines = [json.loads(line) for line in reader.written.splitlines()]
    assert len(lines) == 102
    (warning,) = [line for line in lines if "missing" in line]
    assert warning["missing"] == 7 and warning["message"].startswith("7 lines of the access log are missing")


def test_a_client_that_leaves_before_the_answer_is_a_line_with_499(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, gate = Reader(), Gate()
    reader.opened.set()
    log = AccessLog(reader, is_json=True)
    monkeypatch.setattr(access_log, "_log", log)
    log.start()
    with serving(gate) as server, connect(server.port) as client:
        client.sendall(get("/services/a", "X-Request-ID: client-gone"))
        assert gate.entered.acquire(timeout=30)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close with a reset
        client.close()
        assert reader.entered.wait(30)
        gate.opened.set()
    log.stop()
    line = json.loads(reader.written)
    assert (line["status"], line["method"], line["request_id"]) == (499, "GET", "client-gone")


def test_lines_for_which_the_disk_has_no_room_are_counted_once_it_has() -> None:
    reader = Reader(OSError(28, "No space left on device"))
    reader.opened.set()
    log = AccessLog(reader, is_json=False)
    for _ in range(3):
        log.add(answered())
    log.write_all()
    assert reader.written == b""
    reader.error = None
    log.add(answered())
    log.write_all()
    log.write_all()
    assert reader.written.count(b"status=200") == 1
    assert reader.written.count(b"WARNING keyhouse.access 3 lines of the access log are missing") == 1


def test_a_write_holds_whole_lines_and_no_more_than_a_pipe_keeps_together() -> None:
    pieces: list[bytes] = []
    log = AccessLog(pieces.append, is_json=True)
    for _ in range(100):
        log.add(answered())
    log.write_all()
    assert len(pieces) > 1 and max(map(len, pieces)) <= MOST_BYTES
    assert all(piece.endswith(b"}\n") for piece in pieces)
    assert b"".join(pieces).count(b"\n") == 100


def test_a_line_that_was_cut_off_is_ended_before_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    left = [3, 0]  # bytes for which the disk has room, write by write

    def write(_: int, data: bytes) -> int:
        room = left.pop(0) if left else len(data)
        if not room:
            raise OSError(28, "No space left on device")
        written.append(data[:room])
        return room

    monkeypatch.setattr(os, "write", write)
    stdout = Stdout()
    with pytest.raises(OSError, match="No space"):
        stdout.write(b"first\n")
    stdout.write(b"second\n")
    stdout.write(b"third\n")
    assert b"".join(written) == b"fir\nsecond\nthird\n"
