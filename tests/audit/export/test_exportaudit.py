"""exportaudit: which events it prints, in which form, and where the next export goes on."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from accounts.signing.checkpoints import own_public_keys
from audit import log
from audit.actors import ANONYMOUS, Origin, Target
from audit.events import EventName
from audit.export import lines
from audit.export.checkpoints import read
from audit.export.jsonl import event_of
from audit.export.spans import end_of, end_of_chain
from audit.log import record
from audit.models import Event
from audit.position import Position
from config.secrets import key_pairs
from tests.conftest import Cast, make_key


def happen(count: int = 1) -> None:
    for number in range(count):
        target = Target("user", "", f"number {number} ü\u2028")
        record(EventName.LOGIN_FAILED, actor=ANONYMOUS, origin=Origin.here(), target=target)


def export(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[list[dict[str, Any]], str]:
    """The lines that it prints, and the cursor for the next export."""
    output = io.StringIO()
    call_command("exportaudit", *arguments, stdout=output)
    said = capsys.readouterr().err.splitlines()
    return [json.loads(line) for line in output.getvalue().split("\n")[:-1]], said[-1].removeprefix("next: ")


def numbers(found: list[dict[str, Any]]) -> list[int]:
    return [line["sequence"] for line in found if "sequence" in line]


def test_every_event_is_a_line_with_all_that_its_hash_covers(
    db: None, capsys: pytest.CaptureFixture[str]
) -> None:
    happen(5)
    found, _ = export(capsys)
    assert numbers(found) == [1, 2, 3, 4, 5]
    for line in found[:-1]:
        event = event_of(line)
        assert event.computed_hash() == event.hash
        assert event == Event.objects.get(sequence=line["sequence"])


def test_the_next_export_goes_on_where_the_last_one_ended(
    db: None, capsys: pytest.CaptureFixture[str]
) -> None:
    happen(3)
    _, cursor = export(capsys)
    assert cursor == end_of_chain().text
    assert export(capsys, "--since", cursor) == ([], cursor)
    happen(2)
    found, later = export(capsys, "--since", cursor)
    assert numbers(found) == [4, 5]
    assert later == end_of_chain().text


def test_limit_and_until_end_an_export_early(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    happen(6)
    found, cursor = export(capsys, "--limit", "2")
    assert numbers(found) == [1, 2]
    until = end_of(Event.objects.get(sequence=5)).text
    found, cursor = export(capsys, "--since", cursor, "--until", until)
    assert (numbers(found), cursor) == ([3, 4, 5], until)
    assert export(capsys, "--since", until, "--until", end_of(Event.objects.get(sequence=2)).text)[0] == []


def test_checkpoints_sign_every_so_many_events_and_the_last(
    db: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "CHECKPOINT_EVENTS", 2)
    happen(5)
    found, _ = export(capsys)
    assert ["checkpoint" in line for line in found] == [False, False, True, False, False, True, False, True]
    signed = [read(line["checkpoint"], own_public_keys()).position for line in found if "checkpoint" in line]
    assert signed == [end_of(Event.objects.get(sequence=number)) for number in (2, 4, 5)]


def test_ocsf_has_the_same_events_and_checkpoints(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    happen(2)
    found, _ = export(capsys, "--format", "ocsf")
    assert [line["metadata"].get("sequence") for line in found] == [1, 2, None]
    assert read(found[-1]["unmapped"]["checkpoint"], own_public_keys()).position == end_of_chain()


def test_json_is_one_array(db: None) -> None:
    happen(2)
    output = io.StringIO()
    call_command("exportaudit", "--json", stdout=output)
    assert numbers(json.loads(output.getvalue())) == [1, 2]


def test_the_public_keys_of_checkpoints_are_printed(db: None) -> None:
    output = io.StringIO()
    call_command("exportaudit", "--public-keys", stdout=output)
    printed = json.loads(output.getvalue())["keys"]
    assert {(key["kty"], key["crv"], "d" in key) for key in printed} == {("OKP", "Ed25519", False)}
    assert {key["kid"] for key in printed} == own_public_keys().keys()


def test_without_an_ed25519_key_an_export_has_no_checkpoints_and_says_so(
    db: None, capsys: pytest.CaptureFixture[str], settings: Settings
) -> None:
    settings.SIGNING_KEYS = key_pairs.parse("KEYHOUSE_SIGNING_KEYS", key_pairs.new_pem("ES256"))
    happen()
    call_command("exportaudit", stdout=io.StringIO())
    assert "has no Ed25519 key, so the export has no checkpoints" in capsys.readouterr().err
    assert ["checkpoint" in line for line in export(capsys)[0]] == [False]


def test_no_form_shows_a_key(cast: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    key = make_key(cast.alice)
    for form in ("jsonl", "ocsf"):
        assert key.text not in json.dumps(export(capsys, "--format", form))


def test_events_are_read_in_parts(
    db: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "VERIFY_CHUNK", 10)
    happen(30)
    with CaptureQueriesContext(connection) as captured:
        assert numbers(export(capsys)[0]) == list(range(1, 31))
    assert len([each for each in captured if "LIMIT 10" in each["sql"]]) == 4


def lost_cursor() -> str:
    with transaction.atomic():
        happen()
        cursor = end_of_chain().text
        transaction.set_rollback(True)
    return cursor


def test_a_cursor_of_another_history_is_refused(db: None) -> None:
    lost = lost_cursor()
    for wrong in (lost, lost.replace("1.", "9.", 1)):
        with pytest.raises(CommandError, match="no event at this cursor"):
            call_command("exportaudit", "--since", wrong)
    happen()
    with pytest.raises(CommandError, match="no event at this cursor"):
        call_command("exportaudit", "--until", lost)


@pytest.mark.parametrize("wrong", ["1", "x", "1.zz", Position(1, b"x").text])
def test_a_text_that_is_no_cursor_is_refused(db: None, wrong: str) -> None:
    with pytest.raises(CommandError, match="must be a cursor"):
        call_command("exportaudit", "--since", wrong)


def test_a_limit_below_one_is_refused(db: None) -> None:
    with pytest.raises(CommandError, match="limit: must be 1 or more"):
        call_command("exportaudit", "--limit", "0")
