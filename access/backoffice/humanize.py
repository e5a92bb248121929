"""How pages spell times, counts and user agents."""

from datetime import datetime, timedelta

from django.utils.timesince import timesince

BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


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


def program(user_agent: str) -> str:
    """Return "Firefox on Linux" for a browser's user agent, and the first word of any other."""
    browser = next((name for mark, name in BROWSERS if mark in user_agent), None)
    system = next((name for mark, name in SYSTEMS if mark in user_agent), None)
    if browser and system:
        return f"{browser} on {system}"
    return user_agent.partition(" ")[0].replace("/", " ") or "not said"
