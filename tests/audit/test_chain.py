"""The hash chain stays whole with concurrent writers, and a check names every manipulation."""

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.core.management import call_command
from django.db import connection

from audit.actors import ANONYMOUS, Actor, Origin, Target
from audit.events import EventName
from audit.log import record, verify
from audit.models import HASH_VERSION, Event
from tests.audit.broken import tamper

WRITERS = 8
EACH = 10


def write(count: int = 1) -> None:
    for number in range(count):
        target = Target("user", "", f"number {number}")
        detail = {"reason": "wrong", "list": [1, 2.5, None, True, {"ü": "é"}]}
        record(EventName.LOGIN_FAILED, actor=ANONYMOUS, origin=Origin.here(), target=target, detail=detail)


@pytest.mark.django_db(transaction=True)
def test_the_chain_holds_under_many_writers_at_once() -> None:
    failures: list[BaseException] = []
    start = threading.Barrier(WRITERS)

    def writer() -> None:
        try:
            start.wait()
            write(EACH)
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=writer) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    found = verify()
    assert (found.events, found.faults) == (WRITERS * EACH, [])
    assert list(Event.objects.values_list("sequence", flat=True)) == list(range(WRITERS * EACH, 0, -1))


def test_an_empty_chain_verifies(db: None) -> None:
    assert (verify().events, verify().faults) == (0, [])


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("name", "login:succeeded"),
        ("actor_kind", "user"),
        ("actor_id", "x"),
        ("actor_label", "x"),
        ("target_kind", "x"),
        ("target_id", "x"),
        ("target_label", "x"),
        ("organization_id", 7),
        ("ip", "192.0.2.1"),
        ("request_id", "x"),
        ("detail", '{"reason": "right"}'),
        ("occurred_at", datetime(2020, 1, 1, tzinfo=UTC)),
        ("uuid", "00000000000000000000000000000000"),
        ("subjects", '["user:x"]'),
        ("hash_version", 1),
        ("hash_version", 3),
        ("hash", b"\0" * 32),
    ],
)
@pytest.mark.requirement(83)
def test_a_changed_event_is_named_whatever_was_changed(db: None, column: str, value: object) -> None:
    write(5)
    tamper(f"UPDATE audit_event SET {column} = %s WHERE sequence = 3", value)
    assert "event 3 was changed" in verify().faults


@pytest.mark.requirement(83)
def test_an_event_that_was_changed_and_hashed_again_breaks_the_chain(db: None) -> None:
    write(5)
    event = Event.objects.get(sequence=3)
    event.ip = "192.0.2.1"
    tamper("UPDATE audit_event SET ip = %s, hash = %s WHERE sequence = 3", event.ip, event.computed_hash())
    assert verify().faults == ["event 4 does not follow from the one before it"]


def test_events_from_before_there_were_subjects_still_verify(db: None) -> None:
    write(2)
    event = Event.objects.get(sequence=2)
    event.hash_version, event.subjects = 1, []
    value = event.computed_hash()
    tamper("UPDATE audit_event SET hash_version = 1, subjects = '[]', hash = %s WHERE sequence = 2", value)
    tamper("UPDATE audit_chainhead SET hash = %s", value)
    assert verify().faults == []
    write()
    assert verify().faults == []
    assert Event.objects.get(sequence=3).hash_version == HASH_VERSION


@pytest.mark.requirement(83)
def test_deleted_events_are_named(db: None) -> None:
    write(6)
    tamper("DELETE FROM audit_event WHERE sequence IN (3, 4)")
    assert verify().faults == ["events 3 to 4 are missing"]


@pytest.mark.requirement(83)
def test_reordered_events_are_named(db: None) -> None:
    write(5)
    tamper("UPDATE audit_event SET sequence = 99 WHERE sequence = 2")
    tamper("UPDATE audit_event SET sequence = 2 WHERE sequence = 3")
    tamper("UPDATE audit_event SET sequence = 3 WHERE sequence = 99")
    faults = verify().faults
    assert "event 2 was changed" in faults
    assert "event 3 was changed" in faults


def test_a_look_at_the_newest_events_names_what_is_wrong_with_these(db: None) -> None:
    write(6)
    assert (verify(newest_only=3).faults, verify(newest_only=99).faults) == ([], [])
    assert verify(newest_only=3).head == verify().head
    tamper("UPDATE audit_event SET ip = %s WHERE sequence = 2", "192.0.2.1")
    assert verify(newest_only=3).faults == []
    tamper("DELETE FROM audit_event WHERE sequence = 4")
    assert verify(newest_only=3).faults == ["events 4 to 4 are missing"]
    assert verify(newest_only=2).faults == ["events 4 to 4 are missing"]


@pytest.mark.requirement(83)
def test_a_log_that_lost_its_end_is_named(db: None) -> None:
    write(5)
    tamper("DELETE FROM audit_event WHERE sequence > 3")
    assert verify().faults == ["the chain ends at event 3, but event 5 was written"]


@pytest.mark.requirement(83)
def test_a_log_that_lost_its_head_is_named(db: None) -> None:
    write(5)
    tamper("DELETE FROM audit_chainhead")
    assert verify().faults == ["event 5 lies beyond event 0, where the chain ends"]


@pytest.mark.requirement(83)
def test_an_event_that_was_slipped_in_is_named(db: None) -> None:
    write(2)
    columns = ", ".join(
        str(field.column) for field in Event._meta.fields if field.name not in {"sequence", "uuid"}
    )
    for sequence in (0, 9):
        tamper(
            f"INSERT INTO audit_event (sequence, uuid, {columns}) "
            f"SELECT %s, %s, {columns} FROM audit_event WHERE sequence = 1",
            sequence,
            f"{sequence:032}",
        )
    faults = verify().faults
    assert "event 0 was not written by Keyhouse" in faults
    assert "event 9 lies beyond event 2, where the chain ends" in faults


@pytest.mark.requirement(81)
def test_a_time_with_an_offset_is_the_same_moment_in_utc(db: None) -> None:
    at = datetime(2026, 11, 22, 3, 0, tzinfo=timezone(timedelta(hours=3)))
    record(EventName.LOGIN_FAILED, actor=ANONYMOUS, origin=Origin("", "", at))
    stored = Event.objects.get()
    assert stored.occurred_at == datetime(2026, 11, 22, 0, 0, tzinfo=UTC)
    assert stored.occurred_at.utcoffset() == timedelta()
    assert verify().faults == []


def test_auditverify_says_so_when_the_log_is_whole(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    write(3)
    call_command("auditverify")
    assert capsys.readouterr().out.startswith("3 events, unbroken. Head: ")


def test_a_long_label_is_cut_rather_than_refused(db: None) -> None:
    record(EventName.LOGIN_SUCCEEDED, actor=Actor("user", "", "ä" * 254), origin=Origin.here())
    assert Event.objects.get().actor_label == "ä" * 200
    assert verify().faults == []
