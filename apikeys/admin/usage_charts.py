"""The use of keys in the admin: charts of the last week, lines of the last day, and scopes."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.utils.dateformat import format as formatted
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from access.backoffice.charts import Chart, HourChart, Series, sparkline
from access.backoffice.humanize import ago, grouped
from access.principals import Principal
from apikeys.admin.overview import READS_KEYS
from apikeys.models import (
    DAY,
    EVERY_KEY,
    HOUR,
    LAST_DAY,
    ApiKey,
    HourTotal,
    KeyUse,
    Outcome,
    first_of_hours,
)
from config import profiles
from config.profiles import Capability

WEEK = 7 * LAST_DAY  # hours
MOST_OWN = 200  # keys
WORDS = {
    Outcome.ALLOWED: _("allowed"),
    Outcome.ENDED: _("key ended"),
    Outcome.SCOPE: _("lacks scope"),
    Outcome.NETWORK: _("other network"),
    Outcome.RATE: _("over its rate"),
}
Sum = tuple[int, str, int]  # beginning of the hour in Unix seconds, outcome, count


def charts_of_all(principal: Principal, now: datetime) -> list[Chart]:
    """Return a chart of requests by hour with the keys that the caller may see; [] if they may see none.

    Organizations have totals, so the cost does not grow with their keys. Of the caller's own keys, the
    newest MOST_OWN are added up.
    """
    if not any(principal.may_somewhere(each) for each in READS_KEYS):
        return []
    first, reach, own = first_of_hours(WEEK, now), principal.reach(Capability.READ_KEYS), list[int]()
    if not reach.everywhere:
        keys = ApiKey.objects.visible_to(principal).filter(user_id=principal.user_id or 0)
        own = list(keys.order_by("-pk").values_list("pk", flat=True)[: MOST_OWN + 1])
    places = [EVERY_KEY] if reach.everywhere else reach.organizations
    totals = HourTotal.objects.filter(organization_id__in=places, begins_at__gte=first)
    uses = KeyUse.objects.hours(first).filter(key__in=own[:MOST_OWN])
    words = gettext("With the newest %(most)d of your own keys.") % {"most": MOST_OWN}
    note = words if len(own) > MOST_OWN else ""
    return [_chart([*totals.by_outcome(), *uses.by_outcome()], first, note)]


def chart_of_key(key: ApiKey, now: datetime) -> Chart:
    """Return a chart of the requests with one key, by hour."""
    first = first_of_hours(WEEK, now)
    return _chart(key.uses.hours(first).by_outcome(), first)


def _chart(sums: Iterable[Sum], first: int, note: str = "") -> Chart:
    found: Counter[tuple[int, str]] = Counter()
    for hour, outcome, times in sums:
        found[hour, outcome] += int(times)
    hours = {hour: datetime.fromtimestamp(hour, UTC) for hour in range(first, first + WEEK * HOUR, HOUR)}
    labels = {hour: formatted(moment, "j M H:00") for hour, moment in hours.items()}
    series = [
        Series(str(words), [(label, found[hour, outcome]) for hour, label in labels.items()])
        for outcome, words in WORDS.items()
    ]
    days = [(i, formatted(hours[hour], "j M")) for i, hour in enumerate(hours) if i == 0 or hour % DAY == 0]
    return HourChart("requests", gettext("Requests per hour (UTC), 7 days"), series, note, days)


def line_of_day(key: ApiKey, now: datetime) -> str:
    """Return the requests of the last 24 hours as SVG. The key must have been fetched with_last_day."""
    first = first_of_hours(LAST_DAY, now)
    all_of_them, refused = [0] * LAST_DAY, [0] * LAST_DAY
    for use in key.last_day:
        hour = (use.begins_at - first) // HOUR
        if 0 <= hour < LAST_DAY:  # the clock of another server may be ahead, or a new hour may have begun
            all_of_them[hour] += use.count
            refused[hour] += use.count if use.outcome != Outcome.ALLOWED else 0
    number = sum(all_of_them)
    words = ngettext("%(number)s request in 24 h", "%(number)s requests in 24 h", number)
    words %= {"number": grouped(number)}
    if any(refused):
        words += gettext(", %(number)s refused") % {"number": grouped(sum(refused))}
    return sparkline(all_of_them, refused, words)


@dataclass(frozen=True)
class ScopeShown:
    """A scope of a key: its description, whether another scope implies it, and its last use."""

    name: str
    description: str
    is_implied: bool
    last_use: str


def scopes_of(key: ApiKey, now: datetime) -> list[ScopeShown]:
    """Return the scopes that the key holds, in the profile's order, with their last use."""
    profile = profiles.active()
    held = profile.power_of_scopes(frozenset(key.scopes)).scopes
    names = [name for name in profile.scopes if name in held] + [n for n in key.scopes if n not in held]
    used = dict(key.scope_uses.values_list("scope", "last_used_at"))
    never = _never(key)
    return [
        ScopeShown(
            name,
            profile.scopes[name].description if name in profile.scopes else "",
            name not in key.scopes,
            gettext("used %(times)s") % {"times": ago(used[name], now)} if name in used else never,
        )
        for name in names
    ]


def _never(key: ApiKey) -> str:
    """Return the words for an unused scope. The uses of old keys were not counted from the beginning."""
    since = key.scope_uses_since
    if since is None:
        return gettext("never used")
    return gettext("never used since %(day)s") % {"day": formatted(since, "j M Y")}
