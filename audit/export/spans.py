"""Which events an export has: those after one position, up to another."""

from collections.abc import Iterator
from typing import NamedTuple

from audit.log import in_chunks
from audit.models import ChainHead, Event
from audit.position import BEGINNING, Position


class Span(NamedTuple):
    """The events after `since` up to and including `until`; at most `limit`, if it is given."""

    since: Position
    until: Position
    limit: int | None = None

    @property
    def size(self) -> int:
        """The number of events: the chain has no gaps."""
        size = max(0, self.until.sequence - self.since.sequence)
        return size if self.limit is None else min(size, self.limit)

    def events(self) -> Iterator[Event]:
        """Read the events in order, in parts, with a statement each."""
        last = self.since.sequence + self.size
        return in_chunks(
            Event.objects.filter(sequence__gt=self.since.sequence, sequence__lte=last).order_by("sequence")
        )


def end_of_chain() -> Position:
    """Return the position of the newest event."""
    head = ChainHead.objects.filter(pk=ChainHead.ONLY).first()
    return Position(head.sequence, bytes(head.hash)) if head else BEGINNING


def end_of(event: Event) -> Position:
    """Return the position of this event."""
    return Position(event.sequence, bytes(event.hash))
