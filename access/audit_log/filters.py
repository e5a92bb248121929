"""The filters of the admin's event list, beside those on fields."""

from datetime import timedelta

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from access.backoffice.filters import DateFilter, Options, WordsFilter
from audit.events import REFUSALS, EventName


class KindFilter(WordsFilter):
    title, parameter_name = _("kind"), "kind"

    def options(self, request: HttpRequest) -> Options:
        logins = (EventName.LOGIN_SUCCEEDED, EventName.LOGIN_FAILED)
        return {
            "refusals": (gettext("refused attempts"), Q(name__in=REFUSALS)),
            "logins": (gettext("successful and failed logins"), Q(name__in=logins)),
            "changes": (gettext("everything else"), ~Q(name__in={*REFUSALS, *logins})),
        }


class ActorFilter(WordsFilter):
    title, parameter_name = _("actor"), "actor"

    def options(self, request: HttpRequest) -> Options:
        words = {
            "user": gettext("people"),
            "api_key": gettext("keys"),
            "oauth2": gettext("OAuth2 clients"),
            "operator": gettext("operators"),
            "anonymous": gettext("nobody known"),
        }
        return {kind: (name, Q(actor_kind=kind)) for kind, name in words.items()}


class TimeFilter(WordsFilter):
    title, parameter_name = _("time"), "time"

    def options(self, request: HttpRequest) -> Options:
        now = timezone.now()
        lengths = {
            "1h": (gettext("last hour"), 1),
            "1d": (gettext("last day"), 24),
            "7d": (gettext("last 7 days"), 168),
            "14d": (gettext("last 14 days"), 336),
            "90d": (gettext("last 90 days"), 2160),
        }
        return {
            value: (words, Q(occurred_at__gte=now - timedelta(hours=hours)))
            for value, (words, hours) in lengths.items()
        }


class DayFilter(DateFilter):
    label, parameter_name = _("date"), "date"
    column = "occurred_at"
