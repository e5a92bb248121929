"""Reports how much a key was used and refused in a span of time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apikeys.models import DAY, HOUR, ApiKey
from config.wire.errors import Invalid, Sentence

USUAL_SPAN = timedelta(days=7)
LONGEST_SPAN = timedelta(days=90)


@dataclass(frozen=True)
class Tally:
    """How many requests were allowed and refused in the hour or day that began at `begins_at`."""

    begins_at: datetime
    allowed: int
    refused: int


@dataclass(frozen=True)
class Report:
    """The use of a key from `start` until before `end`, without empty hours and days."""

    key: ApiKey
    start: datetime
    end: datetime
    hours: list[Tally]
    days: list[Tally]

    @property
    def total(self) -> Tally:
        """The sum of all hours and days."""
        parts = self.hours + self.days
        return Tally(self.start, sum(part.allowed for part in parts), sum(part.refused for part in parts))


def report(key: ApiKey, *, start: datetime | None, end: datetime | None, now: datetime) -> Report:
    """Return the use of the key from `start` to `end`, both extended to whole hours. One query.

    `prune` has merged the hours of older days. `end` defaults to now, and is cut to now if it is later;
    `start` defaults to seven days before `end`. Raises Invalid for an empty span, and for one of more than
    90 days.
    """
    end = _next_hour(min(end or now, now))
    if end.year < 1970:
        raise Invalid("to", "must be in 1970 or later")
    start = end - USUAL_SPAN if start is None else _hour(start)
    if start >= end:
        raise Invalid("from", "must be before the end of the span")
    if end - start > LONGEST_SPAN:
        raise Invalid(
            "from",
            Sentence("must be at most %(days)d days before the end of the span", days=LONGEST_SPAN.days),
        )
    spans: dict[int, list[Tally]] = {HOUR: [], DAY: []}
    for begins_at, seconds, allowed, refused in key.uses.between(start, end).tallies():
        tally = Tally(datetime.fromtimestamp(begins_at, UTC), int(allowed), int(refused))
        spans[seconds].append(tally)
    return Report(key, start, end, spans[HOUR], spans[DAY])


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _next_hour(moment: datetime) -> datetime:
    begun = _hour(moment)
    return begun if begun == moment else begun + timedelta(hours=1)
