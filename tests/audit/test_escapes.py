"""CHECKLIST 82: for every input of a caller, an event and a log line stay one record."""

import io
import logging
import re

import pytest

from audit.actors import Actor, Origin, Target
from audit.events import EventName
from audit.log import record, verify
from audit.models import Event
from config.logs import OneLineFormatter, escape
from tests.conftest import Api, Cast, assert_problem, make_key, with_key

EVIL = "a\r\nb\x1b[31mc\x00d\u2028e\u202ef\x9bg\ud800"
HARMLESS = "a\\r\\nb\\x1b[31mc\\x00d\\u2028e\\u202ef\\x9bg\\ud800"


@pytest.mark.requirement(82)
def test_control_characters_in_an_event_are_escaped(db: None) -> None:
    record(
        EventName.LOGIN_FAILED,
        actor=Actor("user", "", EVIL),
        origin=Origin.here(),
        target=Target("endpoint", "", EVIL),
        detail={"reason": EVIL, "nested": [{EVIL: EVIL}, (EVIL,)], "count": 3},
    )
    event = Event.objects.get()
    assert (event.actor_label, event.target_label) == (HARMLESS, HARMLESS)
    assert event.detail == {"reason": HARMLESS, "nested": [{HARMLESS: HARMLESS}, [HARMLESS]], "count": 3}
    assert verify().faults == []


@pytest.mark.requirement(82)
def test_a_denied_path_with_control_characters_is_one_escaped_event(cast: Cast) -> None:
    program = with_key(make_key(cast.alice, "services:read"))
    assert_problem(program.get("api-keys/%00%0d%0a%1b%5b31m%ed%a0%80"), 403)
    label = Event.objects.get(name=EventName.ACCESS_DENIED).target_label
    assert label.startswith("GET /api/v1/api-keys/\\x00\\r\\n\\x1b[31m")
    assert verify().faults == []


@pytest.mark.requirement(82)
def test_a_request_id_that_is_not_a_plain_word_is_replaced(cast: Cast) -> None:
    for sent in ("a b\tc-0123456", "short", "x" * 65, "\x1b[31m-0123", "naïve-naïve"):
        response = Api({"X-Request-ID": sent}).get("auth/me")
        assert re.fullmatch("[0-9a-f]{32}", response.headers["X-Request-ID"])
    assert Api({"X-Request-ID": "a.B_c-01"}).get("auth/me").headers["X-Request-ID"] == "a.B_c-01"


def test_ordinary_words_of_any_language_stay_as_they_are() -> None:
    assert escape("Ünï ☕ 日本 🙂") == "Ünï ☕ 日本 🙂"


@pytest.fixture
def lines() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def logger(lines: io.StringIO) -> logging.Logger:
    """Return a logger that is configured like config.settings."""
    handler = logging.StreamHandler(lines)
    handler.setFormatter(OneLineFormatter())
    logger = logging.Logger("tests", logging.DEBUG)
    logger.addHandler(handler)
    return logger


@pytest.mark.requirement(82)
def test_a_log_message_stays_one_line(logger: logging.Logger, lines: io.StringIO) -> None:
    logger.info("said %s", EVIL)
    assert lines.getvalue().count("\n") == 1
    assert lines.getvalue().endswith(f"said {HARMLESS}\n")


@pytest.mark.requirement(82)
def test_a_traceback_stays_in_the_same_line(logger: logging.Logger, lines: io.StringIO) -> None:
    try:
        raise ValueError(EVIL)
    except ValueError:
        logger.exception("failed")
    assert lines.getvalue().count("\n") == 1
    assert f"ValueError: {HARMLESS}" in lines.getvalue()
    assert "\x1b" not in lines.getvalue()


def test_the_handlers_of_the_settings_write_one_line(settings: object) -> None:
    from config.settings import LOGGING

    formatters = {handler["formatter"] for handler in LOGGING["handlers"].values()}  # type: ignore[attr-defined]
    assert formatters == {"text"}
    assert LOGGING["formatters"] == {
        "text": {"()": "config.logs.OneLineFormatter"},
        "json": {"()": "config.logs.JsonFormatter"},
    }
