"""Audit events are append-only: our code refuses other changes, and so does the database."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from audit.actors import ANONYMOUS, Origin
from audit.events import EventName
from audit.log import record, verify
from audit.models import AppendOnly, ChainHead, Event
from tests.audit.broken import execute
from tests.installation import Installation

pytestmark = pytest.mark.databases


@pytest.fixture
def event(db: None) -> Event:
    return record(EventName.LOGIN_FAILED, actor=ANONYMOUS, origin=Origin.here(), detail={"reason": "unknown"})


def changed(event: Event) -> Event:
    event.ip = "192.0.2.1"
    return event


BY_OUR_CODE: dict[str, Callable[[Event], object]] = {
    "save": lambda event: changed(event).save(),
    "save of some fields": lambda event: changed(event).save(update_fields=["ip"]),
    "save with force_update": lambda event: changed(event).save(force_update=True),
    "delete": lambda event: event.delete(),
    "queryset update": lambda event: Event.objects.update(ip=""),
    "filtered update": lambda event: Event.objects.filter(sequence=1).update(ip=""),
    "queryset delete": lambda event: Event.objects.all().delete(),
    "raw delete": lambda event: Event.objects.all()._raw_delete("default"),
    "inner update": lambda event: Event.objects.all()._update([]),
    "bulk_update": lambda event: Event.objects.bulk_update([changed(event)], ["ip"]),
    "update_or_create": lambda event: Event.objects.update_or_create(
        sequence=1, defaults={"ip": "192.0.2.1"}
    ),
    "bulk_create that updates": lambda event: Event.objects.bulk_create(
        [changed(event)], update_conflicts=True, unique_fields=["sequence"], update_fields=["ip"]
    ),
}
PAST_OUR_CODE: dict[str, Callable[[Event], object]] = {
    "a copy saved again": lambda event: Event(
        **{field.attname: getattr(changed(event), field.attname) for field in Event._meta.concrete_fields}
    ).save(),
    "base manager update": lambda event: Event._base_manager.update(ip="192.0.2.1"),
    "base manager delete": lambda event: QuerySet(Event)._raw_delete("default"),
    "raw save": lambda event: changed(event).save_base(raw=True),
    "base manager bulk_create that updates": lambda event: Event._base_manager.bulk_create(
        [changed(event)], update_conflicts=True, unique_fields=["sequence"], update_fields=["ip"]
    ),
    "SQL update": lambda event: execute("UPDATE audit_event SET ip = '192.0.2.1'"),
    "SQL delete": lambda event: execute("DELETE FROM audit_event"),
}


@pytest.mark.parametrize("way", BY_OUR_CODE)
@pytest.mark.requirement(83)
def test_no_way_of_the_orm_changes_an_event(event: Event, way: str) -> None:
    with pytest.raises(AppendOnly):
        BY_OUR_CODE[way](event)
    assert verify().faults == []


@pytest.mark.parametrize("way", PAST_OUR_CODE)
@pytest.mark.requirement(83)
def test_the_database_refuses_what_goes_past_our_code(event: Event, way: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        PAST_OUR_CODE[way](event)
    assert (verify().events, verify().faults) == (1, [])


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite has INSERT OR REPLACE")
@pytest.mark.requirement(83)
def test_an_event_is_not_replaced(event: Event) -> None:
    columns = ", ".join(str(field.column) for field in Event._meta.fields if field.name != "ip")
    with pytest.raises(IntegrityError), transaction.atomic():
        execute(f"INSERT OR REPLACE INTO audit_event ({columns}, ip) SELECT {columns}, 'x' FROM audit_event")
    assert (verify().events, verify().faults) == (1, [])


def test_the_database_refuses_even_where_there_is_nothing_to_change(db: None) -> None:
    """On PostgreSQL; SQLite's triggers fire for each row."""
    statement = "UPDATE audit_event SET ip = ''"
    if connection.vendor == "sqlite":
        execute(statement)
        return
    with pytest.raises(IntegrityError):
        execute(statement)


ENDS: dict[str, str] = {
    "delete": "DELETE FROM audit_chainhead",
    "sequence": "UPDATE audit_chainhead SET sequence = sequence - 1",
    "epoch": "UPDATE audit_chainhead SET epoch = epoch - 1, sequence = sequence + 1",
    "id": "UPDATE audit_chainhead SET id = 2",
}
EMPTYING: dict[str, str] = {
    "events": "TRUNCATE audit_event",
    "events and others": "TRUNCATE audit_event, accounts_organization CASCADE",
    "events, numbered anew": "TRUNCATE audit_event RESTART IDENTITY CASCADE",
    "the end": "TRUNCATE audit_chainhead",
    "both": "TRUNCATE audit_chainhead, audit_event",
}


def end() -> ChainHead:
    return ChainHead.objects.get()


@pytest.mark.parametrize("way", ENDS)
@pytest.mark.requirement(113)
def test_the_end_of_the_chain_is_neither_deleted_nor_moved_back(event: Event, way: str) -> None:
    before = end()
    with pytest.raises(IntegrityError), transaction.atomic():
        execute(ENDS[way])
    assert (end().pk, end().sequence, end().epoch) == (before.pk, before.sequence, before.epoch)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite has INSERT OR REPLACE")
@pytest.mark.requirement(113)
def test_the_end_of_the_chain_is_not_replaced(event: Event) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        execute("INSERT OR REPLACE INTO audit_chainhead SELECT id, 0, hash, 0 FROM audit_chainhead")
    assert end().sequence == 1


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no TRUNCATE")
@pytest.mark.parametrize("way", EMPTYING)
@pytest.mark.requirement(113)
def test_the_audit_log_is_not_emptied(event: Event, way: str) -> None:
    """Not even a superuser may: these tests run as one."""
    with pytest.raises(IntegrityError), transaction.atomic():
        execute(EMPTYING[way])
    assert (verify().events, verify().faults) == (1, [])


@pytest.mark.requirement(113)
def test_djangos_flush_is_refused(installation: Installation) -> None:
    done = installation.manage("flush", "--no-input")
    assert done.returncode != 0
    assert installation.manage_json("auditverify")["events"] > 0
