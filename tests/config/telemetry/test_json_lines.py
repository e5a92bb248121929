"""With KEYHOUSE_LOG_FORMAT=json each line of a server is one object, whatever clients sent."""

import json
import logging
import os
import re
import signal
import sys
from typing import Any

import pytest

from config.logs import REQUEST_ID, JsonFormatter, OneLineFormatter
from tests.installation import Installation

pytestmark = [pytest.mark.once, pytest.mark.requirement(96)]

KEY = "kh_live_" + "Pl4nted5ecret" * 2 + "0123456789"
CONTROLS = "a\nb\r\x1b[31m\x7f\x9b\u2028\u202e"
JSON = {"KEYHOUSE_LOG_FORMAT": "json", "DJANGO_SETTINGS_MODULE": "tests.running.failing_settings"}


def record(message: str, *values: object, **more: Any) -> logging.LogRecord:
    return logging.LogRecord("keyhouse.test", logging.ERROR, __file__, 1, message, values, None, **more)


def read(line: str) -> dict[str, Any]:
    assert line.isprintable() and line.isascii()
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_line_has_its_members(db: None) -> None:
    token = REQUEST_ID.set("of-this-request")
    line = read(JsonFormatter().format(record("%s is late", "Ann")))
    REQUEST_ID.reset(token)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("timestamp"))
    assert line == {
        "level": "ERROR",
        "logger": "keyhouse.test",
        "message": "Ann is late",
        "request_id": "of-this-request",
    }


def test_control_characters_are_escapes_in_both_formats(db: None) -> None:
    assert read(JsonFormatter().format(record("%s", CONTROLS)))["message"] == CONTROLS
    assert OneLineFormatter().format(record("%s", CONTROLS)).isprintable()


def test_credentials_are_cut_down_in_messages_and_tracebacks(db: None) -> None:
    try:
        raise RuntimeError(f"with {KEY}")
    except RuntimeError:
        failed = record("%s", f"\n{KEY}")
        failed.exc_info = sys.exc_info()
    line = read(JsonFormatter().format(failed))
    assert line["message"] == "\nkh_live_Pl4n…"
    assert line["exception"].endswith("RuntimeError: with kh_live_Pl4n…")


def test_every_line_of_a_server_is_an_object(installation: Installation) -> None:
    headers = {"X-API-Key": KEY, "X-Secret": "x", "From": "Ann", "X-Request-ID": "of-this-request"}
    with installation.serve("--setup", "--workers", "1", **JSON, KEYHOUSE_PUBLIC_ULR="x") as server:
        assert server.request("GET", "/fail", headers=headers).status == 500
        os.kill(server.request("GET", "/process").json()["pid"], signal.SIGKILL)
        while "SIGKILL" not in server.output:
            server.printed.join(0.02)  # gunicorn says it when it has noticed
    lines = [json.loads(line) for line in server.output.splitlines()]
    loggers = {line.get("logger") for line in lines}
    assert loggers == {None, "keyhouse.variables", "django.request", "gunicorn.error"}
    failed = next(line for line in lines if line.get("logger") == "django.request")
    assert failed["request_id"] == "of-this-request"
    assert failed["exception"].splitlines()[-2:] == [
        "RuntimeError: about kh_live_Pl4n… of <Ann>",
        "DETAIL: (name)=(x)",
    ]
