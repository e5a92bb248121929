"""How far a sink is behind the audit log."""

from datetime import datetime
from typing import NamedTuple

from audit.export.spans import end_of_chain
from audit.models import Event, Sink


class Lag(NamedTuple):
    """What a sink does not have yet."""

    sequence: int  # number of the last event that it has
    events: int  # that wait
    seconds: float  # age of the oldest of them; 0 without one
    failures: int  # since something was last sent


def lag_of(name: str, now: datetime) -> Lag:
    """Return how far the sink is behind. One that no server has filled yet lacks every event."""
    sink = Sink.objects.filter(pk=name).first() or Sink(name=name)
    events = max(0, end_of_chain().sequence - sink.sequence)
    return Lag(sink.sequence, events, _age_after(sink.sequence, now) if events else 0, sink.failures)


def _age_after(sequence: int, now: datetime) -> float:
    """Return the age of the first event after number `sequence`, in seconds."""
    later = Event.objects.filter(sequence__gt=sequence).order_by("sequence")
    occurred_at = later.values_list("occurred_at", flat=True).first()
    return 0 if occurred_at is None else max(0, (now - occurred_at).total_seconds())
