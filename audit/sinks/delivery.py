"""Delivers the audit log to a sink, from where the last delivery ended: at least once, and in order.

A sink has a row, with the position up to which everything has arrived. It moves only after the receiver has
the events, so a process that is killed in between sends them again; receivers recognize repeated events
by their sequence numbers. One process at a time claims a sink.
"""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import NamedTuple

from django.conf import settings
from django.db.models import F, QuerySet
from django.utils import timezone

from audit.export.lines import Form, Line, Sign, checkpoint_line, event_line
from audit.export.spans import end_of_chain
from audit.models import Event, Sink
from audit.position import Position

BATCH = 500  # events
CLAIM = timedelta(minutes=5)  # longer than a batch can take, given the timeouts of receivers
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=5)
SIGNED_AFTER = timedelta(minutes=1)  # from one checkpoint to the next

log = logging.getLogger("keyhouse.audit")


class Outlet(NamedTuple):
    """A sink: the name of its row, how it sends lines (raises OSError), and the form of these lines."""

    name: str
    send: Callable[[Sequence[Line]], None]
    form: Form


def deliver(outlet: Outlet, sign: Sign | None) -> None:
    """Send what the sink does not have yet, unless another process does, or the last try failed just now.

    Sends checkpoints between the events, unless `sign` is None. Everything is sent at least one lease after
    its commit.
    """
    end = end_of_chain()
    if not _has_work(_row(outlet.name), end, sign):
        return
    sink = _claimed(outlet.name)
    if sink is None:
        return
    time.sleep(settings.EPOCH_LEASE_SECONDS)  # until no process trusts what it knew before these events
    while sink is not None and _has_work(sink, end, sign):
        try:
            reached, is_signed = _send_batch(outlet, sink, end, sign)
        except OSError as error:
            _postpone(sink, error)
            return
        sink = _moved(sink, reached, is_signed=is_signed)
    if sink is not None:
        _still_ours(sink).update(next_try_at=timezone.now())


def _row(name: str) -> Sink:
    """Return the sink's row. A new sink begins with the first event."""
    return Sink.objects.get_or_create(pk=name, defaults={"next_try_at": timezone.now()})[0]


def _has_work(sink: Sink, end: Position, sign: Sign | None) -> bool:
    is_unsigned = sign is not None and sink.sequence > sink.signed_sequence
    return sink.sequence < end.sequence or (is_unsigned and _is_time_to_sign(sink))


def _is_time_to_sign(sink: Sink) -> bool:
    return sink.signed_at is None or timezone.now() - sink.signed_at >= SIGNED_AFTER


def _claimed(name: str) -> Sink | None:
    """Claim the sink, if it is due; None if it is not, or if another process was faster."""
    now = timezone.now()
    due = Sink.objects.filter(pk=name, next_try_at__lte=now)
    if not due.update(claim=F("claim") + 1, next_try_at=now + CLAIM):
        return None
    return Sink.objects.get(pk=name)


class _Sent(NamedTuple):
    """Up to where a batch was sent, and whether a checkpoint ended it."""

    position: Position
    is_signed: bool


def _send_batch(outlet: Outlet, sink: Sink, end: Position, sign: Sign | None) -> _Sent:
    """Send the next events, and a checkpoint if it is time for one."""
    events = Event.objects.filter(sequence__gt=sink.sequence, sequence__lte=end.sequence)
    lines = [event_line(event, outlet.form) for event in events.order_by("sequence")[:BATCH]]
    reached = lines[-1].position if lines else end
    is_signed = sign is not None and _is_time_to_sign(sink)
    if sign is not None and is_signed:
        lines.append(checkpoint_line(reached, outlet.form, sign))
    outlet.send(lines)
    return _Sent(reached, is_signed)


def _moved(sink: Sink, reached: Position, *, is_signed: bool) -> Sink | None:
    """Store that everything up to there has arrived, and keep the claim; None if another process has it."""
    now = timezone.now()
    sink.sequence, sink.hash, sink.failures = reached.sequence, reached.hash, 0
    if is_signed:
        sink.signed_sequence, sink.signed_at = reached.sequence, now
    moved = _still_ours(sink).update(
        sequence=sink.sequence,
        hash=sink.hash,
        signed_sequence=sink.signed_sequence,
        signed_at=sink.signed_at,
        failures=sink.failures,
        next_try_at=now + CLAIM,
    )
    return sink if moved else None


def _postpone(sink: Sink, error: OSError) -> None:
    """Schedule the next try, with growing pauses. Nothing is ever given up: the events stay."""
    failures = sink.failures + 1
    pause = min(FIRST_PAUSE * 2 ** min(failures - 1, 10), LONGEST_PAUSE)
    _still_ours(sink).update(failures=failures, next_try_at=timezone.now() + pause)
    reason = f"{type(error).__name__}: {error}".partition("\n")[0]
    log.warning("audit events not sent to %s, next try in %d s: %s", sink.pk, pause.total_seconds(), reason)


def _still_ours(sink: Sink) -> QuerySet[Sink]:
    """Return the row, unless the claim expired and another process took it."""
    return Sink.objects.filter(pk=sink.pk, claim=sink.claim)
