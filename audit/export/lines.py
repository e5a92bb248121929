"""The lines of an export: events and, between them, checkpoints."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from audit.export import jsonl, ocsf
from audit.export.spans import Span, end_of
from audit.models import Event
from audit.position import Position

CHECKPOINT = "checkpoint"
CHECKPOINT_EVENTS = 10_000  # from one checkpoint to the next

Sign = Callable[[Position], str]


class Form(NamedTuple):
    """How an export writes an event, and a checkpoint: as members of a JSON object."""

    event: Callable[[Event], dict[str, Any]]
    checkpoint: Callable[[str], dict[str, Any]]


FORMS = {
    "jsonl": Form(jsonl.members_of, jsonl.checkpoint_members),
    "ocsf": Form(ocsf.ocsf_of, ocsf.checkpoint_ocsf),
}


class Line(NamedTuple):
    """An event or a checkpoint: its members, the position that it is at, its name, and its time (UTC)."""

    members: dict[str, Any]
    position: Position
    name: str
    at: datetime


def event_line(event: Event, form: Form) -> Line:
    """Return the line of an event."""
    return Line(form.event(event), end_of(event), str(event.name), event.occurred_at.astimezone(UTC))


def checkpoint_line(position: Position, form: Form, sign: Sign) -> Line:
    """Return the line of a checkpoint of this position, signed now."""
    return Line(form.checkpoint(sign(position)), position, CHECKPOINT, datetime.now(UTC))


def lines_of(span: Span, form: Form, sign: Sign | None) -> Iterator[Line]:
    """Yield the events of a span. The last, and every CHECKPOINT_EVENTS, is signed, unless `sign` is None."""
    for number, event in enumerate(span.events(), start=1):
        line = event_line(event, form)
        yield line
        if sign is not None and (number % CHECKPOINT_EVENTS == 0 or number == span.size):
            yield checkpoint_line(line.position, form, sign)
