"""How pages spell times, counts and user agents."""

from datetime import datetime, timedelta

from django.utils.formats import number_format
from django.utils.timesince import timesince
from django.utils.translation import gettext

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
        return gettext("never")
    if abs(now - moment) < timedelta(minutes=1):
        return gettext("just now")
    if moment > now:
        return gettext("in %(time)s") % {"time": timesince(now, moment, depth=1)}
    return gettext("%(time)s ago") % {"time": timesince(moment, now, depth=1)}


def times(number: int) -> str:
    """Return "never", "once" or "1,240 times"."""
    if number == 0:
        return gettext("never")
    if number == 1:
        return gettext("once")
    return gettext("%(number)s times") % {"number": grouped(number)}


def grouped(number: int) -> str:
    """Return "1,240", or "1.240" in German."""
    return number_format(number, force_grouping=True)


def program(user_agent: str) -> str:
    """Return "Firefox on Linux" for a browser's user agent, and the first word of any other."""
    browser = next((name for mark, name in BROWSERS if mark in user_agent), None)
    system = next((name for mark, name in SYSTEMS if mark in user_agent), None)
    if browser and system:
        return gettext("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return user_agent.partition(" ")[0].replace("/", " ") or gettext("not said")
