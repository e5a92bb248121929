"""Writes the audit log, and checks that nobody has tampered with it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from django.db import connection, transaction

from audit import epoch
from audit.actors import LABEL_LENGTH, NOTHING, Actor, Origin, Target
from audit.events import CHANGES_NO_CALLER, EventName
from audit.models import GENESIS, ChainHead, Event, EventQuerySet
from config import metrics
from config.database.bulk import insert_all, insert_few
from config.logs import escape, kept, mask

VERIFY_CHUNK = 2_000
MANY = 100  # events from which on COPY is faster than a statement with a placeholder for each value
# Hand-written: every change waits for this lock, and the ORM would make it wait longer.
READ_HEAD = 'SELECT sequence, hash, epoch FROM "audit_chainhead" WHERE id = %s'
MOVE_HEAD = 'UPDATE "audit_chainhead" SET sequence = %s, hash = %s, epoch = %s WHERE id = %s'


class Entry(NamedTuple):
    """What happened, and to what: an event without its actor and origin."""

    name: EventName
    target: Target = NOTHING
    detail: Mapping[str, Any] | None = None


def record(
    name: EventName,
    *,
    actor: Actor,
    origin: Origin,
    target: Target = NOTHING,
    detail: Mapping[str, Any] | None = None,
) -> Event:
    """Append one event to the chain, as `record_all` does."""
    return record_all([Entry(name, target, detail)], actor=actor, origin=origin)[0]


def record_all(entries: Sequence[Entry], *, actor: Actor, origin: Origin) -> list[Event]:
    """Append events to the chain, in the caller's transaction; a rollback takes them back.

    Control characters in labels and details are escaped, and credentials masked (ASVS 16.4.1).
    An event that changes what somebody may do begins an epoch. Holds the chain's lock until the
    transaction ends, so call it last, after the rows are written.
    """
    if not entries:
        return []
    with transaction.atomic(savepoint=False):
        head = _locked_head()
        who = replace(actor, label=kept(actor.label, LABEL_LENGTH))
        events = [_chained(head, entry, who, origin) for entry in entries]
        if len(events) < MANY:
            insert_few(events)
        else:
            insert_all(events)
        if any(entry.name not in CHANGES_NO_CALLER for entry in entries):
            head.epoch += 1
            epoch.has_begun()
        with connection.cursor() as cursor:
            cursor.execute(MOVE_HEAD, [head.sequence, bytes(head.hash), head.epoch, head.pk])
    for entry in entries:
        metrics.EVENTS.count(entry.name.value)
    return events


def _locked_head() -> ChainHead:
    """Return the end of the chain, locked until the transaction ends; in a new database, its beginning."""
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    with connection.cursor() as cursor:
        cursor.execute(READ_HEAD + lock, [ChainHead.ONLY])
        found = cursor.fetchone()
    if found is None:
        return ChainHead.objects.select_for_update().get_or_create(pk=ChainHead.ONLY)[0]
    return ChainHead(ChainHead.ONLY, *found)


def _chained(head: ChainHead, entry: Entry, actor: Actor, origin: Origin) -> Event:
    """Return the next event, and move `head` to it."""
    event = Event(
        sequence=head.sequence + 1,
        occurred_at=origin.at,
        name=entry.name,
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_label=actor.label,
        target_kind=entry.target.kind,
        target_id=entry.target.id,
        target_label=kept(entry.target.label, LABEL_LENGTH),
        organization_id=entry.target.organization_id,
        ip=origin.ip,
        request_id=origin.request_id,
        detail=_escaped(dict(entry.detail or {})),
        subjects=entry.target.subjects,
        previous_hash=bytes(head.hash),
    )
    event.hash = event.computed_hash()
    head.sequence, head.hash = event.sequence, event.hash
    return event


def _escaped(value: Any) -> Any:
    """Return a JSON value with all its strings escaped, member names included."""
    if isinstance(value, str):
        return mask(escape(value))
    if isinstance(value, Mapping):
        return {mask(escape(str(name))): _escaped(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_escaped(each) for each in value]
    return value


@dataclass(frozen=True)
class Verification:
    """The result of checking the chain: the number of events, the last hash, and each fault in words."""

    events: int
    head: str
    faults: list[str]


def verify(newest_only: int | None = None) -> Verification:
    """Recompute the chain up to its present end, in order. Reads in chunks, and blocks no writer.

    With `newest_only`, checks that many events at the end and trusts those before them.

    Keyhouse commits an event and the chain's head together. So an event that is visible before the head is
    read, and lies beyond it, was not written by Keyhouse.
    """
    newest = Event.objects.order_by("-sequence").values_list("sequence", flat=True).first() or 0
    head = ChainHead.objects.filter(pk=ChainHead.ONLY).first() or ChainHead()
    count, last = 0, GENESIS
    events = Event.objects.filter(sequence__lte=head.sequence).order_by("sequence")
    if newest_only is not None:
        before = events.filter(sequence__lte=head.sequence - newest_only).last()
        if before is not None:
            count, last = before.sequence, bytes(before.hash)
            events = events.filter(sequence__gt=count)
    faults: list[str] = []
    for event in in_chunks(events):
        faults += _faults(event, expected=count + 1, previous=last)
        count, last = event.sequence, bytes(event.hash)
    if (count, last) != (head.sequence, bytes(head.hash)):
        faults.append(f"the chain ends at event {count}, but event {head.sequence} was written")
    if newest > head.sequence:
        faults.append(f"event {newest} lies beyond event {head.sequence}, where the chain ends")
    return Verification(count, last.hex(), faults)


def in_chunks(events: EventQuerySet) -> Iterator[Event]:
    """Yield events in order, a chunk per statement, so that no cursor stays open."""
    chunk = list(events[:VERIFY_CHUNK])
    while chunk:
        yield from chunk
        chunk = list(events.filter(sequence__gt=chunk[-1].sequence)[:VERIFY_CHUNK])


def _faults(event: Event, *, expected: int, previous: bytes) -> Iterator[str]:
    if event.sequence < expected:
        yield f"event {event.sequence} was not written by Keyhouse"
    elif event.sequence > expected:
        yield f"events {expected} to {event.sequence - 1} are missing"
    elif bytes(event.previous_hash) != previous:
        yield f"event {event.sequence} does not follow from the one before it"
    if event.computed_hash() != bytes(event.hash):
        yield f"event {event.sequence} was changed"
