"""The numbers on the admin's front page, about the rows that the person may see.

Each is counted up to a limit, so that the cost does not grow with the tables. A plus stands for more rows.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

from django.db.models import Count, Q
from django.db.models.functions import TruncDate
from django.urls import reverse
from django.utils.dateformat import format as formatted
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from access.backoffice.charts import Chart, Series
from access.backoffice.humanize import grouped
from access.backoffice.paginator import Counted, counted
from access.principals import Principal
from accounts.models import User
from apikeys import predicates
from apikeys.models import ApiKey
from apikeys.predicates import EXPIRING, NEVER_EXPIRES, UNUSED
from audit.events import REFUSALS, EventName
from audit.models import Event, EventQuerySet
from config.profiles import Capability

MOST_KEYS = MOST_EVENTS = 20_000  # rows that one query reads
DAYS = 14
AGES = ((_("7 days"), 7), (_("30 days"), 30), (_("90 days"), 90), (_("1 year"), 365))
READS_KEYS = (Capability.READ_OWN_KEYS, Capability.READ_KEYS)


@dataclass(frozen=True)
class Concern:
    """A number that needs attention, and the address of the list with the counted rows."""

    counted: Counted
    text: str  # beside the number: "key expiring within 14 days"
    address: str


@dataclass(frozen=True)
class Keys:
    """What the front page shows about keys."""

    concerns: list[Concern]
    charts: list[Chart]


def keys(principal: Principal, now: datetime) -> Keys:
    """Count the newest MOST_KEYS keys that the caller may see, in one query; nothing if they may see none."""
    if not any(principal.may_somewhere(each) for each in READS_KEYS):
        return Keys([], [])
    usable, unused = predicates.usable(now), predicates.unused_since(now - UNUSED)
    wanted = {"seen": Q(), "expiring": predicates.expiring(now), "unused": usable & unused}
    wanted |= {"for_ever": usable & NEVER_EXPIRES}
    older = [now - timedelta(days=days) for _words, days in AGES]
    wanted |= {f"older_{i}": usable & Q(created_at__lt=moment) for i, moment in enumerate(older)}
    newest = ApiKey.objects.visible_to(principal).order_by("-pk")[: MOST_KEYS + 1]
    found = newest.aggregate(usable=_count(usable), **{name: _count(q) for name, q in wanted.items()})
    is_more = found["seen"] > MOST_KEYS

    def concern(name: str, words: str, **query: str) -> Concern:
        address = _list("apikeys_apikey", status="usable", **query)
        return Concern(Counted(found[name], is_more), words, address)

    soon = ngettext(
        "key expiring within %(days)d days", "keys expiring within %(days)d days", found["expiring"]
    )
    long = ngettext("key unused for %(days)d days", "keys unused for %(days)d days", found["unused"])
    for_ever = ngettext("key without an expiry", "keys without an expiry", found["for_ever"])
    concerns = [
        concern("expiring", soon % {"days": EXPIRING.days}, expires=f"{EXPIRING.days}d"),
        concern("unused", long % {"days": UNUSED.days}, used="unused"),
        concern("for_ever", for_ever, expires="never"),
    ]
    bounds = [found["usable"], *(found[f"older_{i}"] for i in range(len(AGES))), 0]
    labels = [f"< {AGES[0][0]}", *(f"< {words}" for words, _days in AGES[1:]), f"≥ {AGES[-1][0]}"]
    ages = [(label, bounds[i] - bounds[i + 1]) for i, label in enumerate(labels)]
    note = gettext("Of the newest %(most)s keys.") % {"most": grouped(MOST_KEYS)} if is_more else ""
    return Keys(
        concerns, [Chart("ages", gettext("Usable keys by age"), [Series(gettext("keys"), ages)], note)]
    )


def refusals(principal: Principal, now: datetime) -> list[Concern]:
    """Return the attempts refused in the last day, if the caller may read the audit log."""
    if not principal.may_somewhere(Capability.READ_AUDIT):
        return []
    rows = _events(principal).filter(occurred_at__gte=now - timedelta(days=1), name__in=REFUSALS)
    address = _list("audit_event", kind="refusals", time="1d")
    number = counted(rows)
    words = ngettext("attempt refused in the last day", "attempts refused in the last day", number.number)
    return [Concern(number, words, address)]


def people(principal: Principal) -> list[Concern]:
    """Return the people visible to the caller who may manage others' keys without a second factor."""
    if not principal.may_somewhere(Capability.READ_USERS):
        return []
    rows = User.objects.visible_to(principal).managing_keys(principal).without_second_factor()
    address = _list("accounts_user", second_factor="wanted")
    number = counted(rows)
    words = ngettext(
        "person managing keys without a second factor",
        "people managing keys without a second factor",
        number.number,
    )
    return [Concern(number, words, address)]


def event_charts(principal: Principal, now: datetime) -> list[Chart]:
    """Return charts of logins and of refusals per day. One query, of the newest MOST_EVENTS events."""
    if not principal.may_somewhere(Capability.READ_AUDIT):
        return []
    days = [now.date() - timedelta(days=DAYS - 1 - i) for i in range(DAYS)]
    start = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS - 1)
    newest = _events(principal).filter(occurred_at__gte=start).order_by("-occurred_at")
    numbers = newest.values("pk")[:MOST_EVENTS]
    day = TruncDate("occurred_at", tzinfo=UTC)
    by_day = Event.objects.filter(pk__in=numbers).order_by().annotate(day=day)
    found = {
        (row["day"], row["name"]): row["n"] for row in by_day.values("day", "name").annotate(n=Count("pk"))
    }
    words = gettext("Of the newest %(most)s events.") % {"most": grouped(MOST_EVENTS)}
    note = words if sum(found.values()) == MOST_EVENTS else ""

    def series(words: str, names: Collection[str]) -> Series:
        return Series(
            words, [(_label(day), sum(found.get((day, name), 0) for name in names)) for day in days]
        )

    logins = [
        series(gettext("logins"), [EventName.LOGIN_SUCCEEDED]),
        series(gettext("failures"), [EventName.LOGIN_FAILED]),
    ]
    refused = [series(gettext("refused"), REFUSALS)]
    titles = (
        gettext("Logins and failed logins per day, %(days)d days"),
        gettext("Refused attempts per day, %(days)d days"),
    )
    return [
        Chart("logins", titles[0] % {"days": DAYS}, logins, note),
        Chart("refusals", titles[1] % {"days": DAYS}, refused, note),
    ]


def _events(principal: Principal) -> EventQuerySet:
    reach = principal.reach(Capability.READ_AUDIT)
    return Event.objects.seen_from(everywhere=reach.everywhere, organizations=reach.organizations)


def _count(condition: Q) -> Count:
    return Count("pk", filter=condition) if condition else Count("pk")


def _label(day: date) -> str:
    return formatted(day, "j M")


def _list(model: str, **query: str) -> str:
    return f"{reverse(f'admin:{model}_changelist')}?{urlencode(query)}"
