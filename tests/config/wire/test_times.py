"""Points in time in every spelling of RFC 3339 section 5.6, wherever clients send them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apikeys.admin.forms import RotateForm
from apikeys.management.arguments import parse_time
from apikeys.models import ApiKey
from config.wire import times
from config.wire.errors import Invalid
from tests.conftest import Cast, as_user, assert_problem, make_key

pytestmark = pytest.mark.once

NOON = datetime(2037, 1, 31, 12, tzinfo=UTC)
SPELLINGS = [
    ("2037-01-31T12:00:00Z", NOON),
    ("2037-01-31t12:00:00z", NOON),
    ("2037-01-31T12:00:00z", NOON),
    ("2037-01-31t12:00:00Z", NOON),
    ("2037-01-31t14:00:00+02:00", NOON),
    ("2037-01-31T12:00:00+00:00", NOON),
    ("2037-01-31T12:00:00-00:00", NOON),
    ("2037-01-30T12:01:00-23:59", NOON),
    ("2037-01-31T12:00:00.0z", NOON),
    ("2037-01-31T12:00:00.123456Z", NOON + timedelta(microseconds=123456)),
    ("2037-01-31T12:00:00.123456789012345678Z", NOON + timedelta(microseconds=123456)),
    ("2036-12-31T23:59:60Z", datetime(2037, 1, 1, tzinfo=UTC)),
    ("2037-01-01T00:59:60+01:00", datetime(2037, 1, 1, tzinfo=UTC)),
]
OTHERS = [
    *(
        "",
        "2037-01-31",
        "2037-01-31T12:00",
        "2037-01-31T12:00:00",
        "2037-01-31 12:00:00Z",
        "20370131T120000Z",
    ),
    *(
        "2037-01-31T12:00:00+0200",
        "2037-01-31T12:00:00+02",
        "2037-01-31T12:00:00+24:00",
        "2037-01-31T24:00:00Z",
    ),
    *("2037-01-31T12:00:60Z", "2037-01-31T23:59:61Z", "2037-02-30T12:00:00Z", "0000-01-01T00:00:00Z"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:60Z", "2037-01-31T12:00:00.Z", "2037-01-31T12:00:00,5Z"),
    *("２０３７-01-31T12:00:00Z", "٢٠٣٧-01-31T12:00:00Z", "2037-01-31T12:00:00Ｚ"),  # noqa: RUF001
    *(
        "2037-01-31T12:00:00Z\n",
        " 2037-01-31T12:00:00Z",
        "2037-W05-6T12:00:00Z",
        "2037-01-31T12:00:00." + "1" * 99,
    ),
]


@pytest.mark.parametrize(("text", "moment"), SPELLINGS)
def test_every_spelling_is_read(text: str, moment: datetime) -> None:
    assert times.parse(text) == moment


@pytest.mark.parametrize("text", OTHERS)
def test_every_other_text_is_not_a_time(text: str) -> None:
    assert times.parse(text) is None


@pytest.mark.parametrize(("text", "moment"), SPELLINGS)
def test_every_spelling_is_read_in_bodies(text: str, moment: datetime, cast: Cast) -> None:
    body = {"name": "a", "expires_at": text}
    assert as_user(cast.alice).post("api-keys", body).status_code == 201
    assert ApiKey.objects.get().expires_at == moment


@pytest.mark.parametrize("text", OTHERS)
def test_everything_else_is_refused_by_name_in_bodies(text: str, cast: Cast) -> None:
    answer = as_user(cast.alice).post("api-keys", json.dumps({"name": "a", "expires_at": text}))
    assert "RFC 3339" in assert_problem(answer, 400, "invalid", "expires_at")["detail"]


def test_every_spelling_is_read_in_queries(cast: Cast) -> None:
    ada, key = as_user(cast.ada), make_key(cast.bob, "services:read")
    for text, _ in SPELLINGS:
        sent: Any = {"until": text}
        assert ada.get("audit", data=sent).status_code == 200, text
        answer = ada.get(f"api-keys/{key.row.uuid}/usage", data={"from": "2026-01-01t00:00:00z", "to": text})
        assert answer.status_code in {200, 400} and "not a time" not in answer.content.decode(), text
    assert_problem(ada.get("audit", data={"since": "2037-01-31"}), 400, "invalid", "since")


@pytest.mark.parametrize(("text", "moment"), SPELLINGS)
def test_every_spelling_is_read_by_commands_and_forms(text: str, moment: datetime) -> None:
    assert parse_time("expires-at", text) == moment
    form = RotateForm({"confirmed": "True", "expires_at": f" {text} "})
    assert form.is_valid(), form.errors
    assert form.cleaned_data["expires_at"] == moment


def test_commands_and_forms_take_what_people_type_besides() -> None:
    assert parse_time("expires-at", "2037-01-31 12:00") == NOON
    assert parse_time("expires-at", "2037-01-31T13:00:00+01:00") == NOON
    form = RotateForm({"confirmed": "True", "expires_at": "2037-01-31T12:00"})
    assert form.is_valid() and form.cleaned_data["expires_at"] == NOON
    for text in ("2037-01-31T12:00:61Z", "soon", "2037-01-31T12:00:00+24:00"):
        with pytest.raises(Invalid, match="expires-at"):
            parse_time("expires-at", text)
        assert not RotateForm({"confirmed": "True", "expires_at": text}).is_valid()
