"""The days and months of quotas, all in UTC."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, NamedTuple

Period = Literal["day", "month", "total"]
DAY = timedelta(days=1)


class Span(NamedTuple):
    """When a period began and when it ends."""

    begin: datetime
    end: datetime

    @property
    def seconds(self) -> int:
        return int((self.end - self.begin).total_seconds())


def day_of(moment: datetime) -> date:
    """Return the day of a time."""
    return moment.astimezone(UTC).date()


def span_of(period: Period, day: date) -> Span | None:
    """Return the span of the period that `day` lies in; None for the whole time, which does not end."""
    match period:
        case "day":
            return Span(_midnight(day), end_of_day(day))
        case "month":
            first = day.replace(day=1)
            return Span(_midnight(first), _midnight((first + 31 * DAY).replace(day=1)))
        case _:
            return None


def end_of_day(day: date) -> datetime:
    """Return when the next day begins."""
    return _midnight(day + DAY)


def _midnight(day: date) -> datetime:
    """Return when the day begins."""
    return datetime.combine(day, time(), UTC)
