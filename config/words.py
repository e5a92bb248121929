"""How pages say a moment and a number."""

from datetime import datetime, timedelta

from django.utils.timesince import timesince


def ago(moment: datetime | None, now: datetime) -> str:
    """Return "3 minutes ago", "in 2 days" or "never"."""
    if moment is None:
        return "never"
    if abs(now - moment) < timedelta(minutes=1):
        return "just now"
    if moment > now:
        return f"in {timesince(now, moment, depth=1)}"
    return f"{timesince(moment, now, depth=1)} ago"


def times(number: int) -> str:
    """Return "never", "once" or "1,240 times"."""
    return {0: "never", 1: "once"}.get(number, f"{number:,} times")
