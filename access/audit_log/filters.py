"""The filters of the admin's event list, beside those on fields."""

from datetime import timedelta

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from access.backoffice.filters import DateFilter, Options, WordsFilter
from audit.events import REFUSALS, EventName


class KindFilter(WordsFilter):
    title = parameter_name = "kind"

    def options(self, request: HttpRequest) -> Options:
        logins = (EventName.LOGIN_SUCCEEDED, EventName.LOGIN_FAILED)
        return {
            "refusals": ("refused attempts", Q(name__in=REFUSALS)),
            "logins": ("successful and failed logins", Q(name__in=logins)),
            "changes": ("everything else", ~Q(name__in={*REFUSALS, *logins})),
        }


class ActorFilter(WordsFilter):
    title = parameter_name = "actor"

    def options(self, request: HttpRequest) -> Options:
        words = {"user": "people", "api_key": "keys", "oauth2": "OAuth2 clients", "operator": "operators"}
        words |= {"anonymous": "nobody known"}
        return {kind: (name, Q(actor_kind=kind)) for kind, name in words.items()}


class TimeFilter(WordsFilter):
    title = parameter_name = "time"

    def options(self, request: HttpRequest) -> Options:
        now = timezone.now()
        lengths = {"1h": ("last hour", 1), "1d": ("last day", 24), "7d": ("last 7 days", 168)}
        lengths |= {"14d": ("last 14 days", 336), "90d": ("last 90 days", 2160)}
        return {
            value: (words, Q(occurred_at__gte=now - timedelta(hours=hours)))
            for value, (words, hours) in lengths.items()
        }


class DayFilter(DateFilter):
    label = parameter_name = "date"
    column = "occurred_at"
