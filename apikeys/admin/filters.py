"""The filters of the admin's key list. None of them counts rows or queries distinct values."""

from datetime import timedelta

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from access.backoffice.base import STATUSES
from access.backoffice.filters import DateFilter, Options, WordsFilter
from access.callers import principal_in
from accounts.models import Organization
from apikeys import predicates
from apikeys.predicates import NEVER_EXPIRES, UNUSED, with_scope
from config import profiles
from config.profiles import Capability

MOST_ORGANIZATIONS = 20


class StatusFilter(WordsFilter):
    title, parameter_name = _("status"), "status"

    def options(self, request: HttpRequest) -> Options:
        now = timezone.now()
        words: Options = {
            status: (STATUSES[status], condition) for status, condition in predicates.statuses(now).items()
        }
        return {"usable": (gettext("active or expiring"), predicates.usable(now)), **words}


class EnvironmentFilter(WordsFilter):
    title, parameter_name = _("environment"), "environment"

    def options(self, request: HttpRequest) -> Options:
        return {name: (name, Q(environment=name)) for name in profiles.active().keys.environments}


class OwnerFilter(WordsFilter):
    title, parameter_name = _("owner"), "owner"

    def options(self, request: HttpRequest) -> Options:
        return {
            "me": (gettext("me"), Q(user_id=principal_in(request).user_id)),
            "people": (gettext("people"), Q(user__isnull=False)),
            "organizations": (gettext("organizations"), Q(organization__isnull=False)),
        }


class OrganizationFilter(WordsFilter):
    """Offers the first organizations by name; the search finds keys of the others."""

    title, parameter_name = _("organization"), "organization"

    def options(self, request: HttpRequest) -> Options:
        reach = principal_in(request).reach(Capability.READ_KEYS)
        rows = Organization.objects.order_by("name_key")
        seen = rows if reach.everywhere else rows.filter(pk__in=reach.organizations)
        named = seen.values_list("pk", "name")[:MOST_ORGANIZATIONS]
        return {str(number): (name, Q(organization_id=number)) for number, name in named}


class ScopeFilter(WordsFilter):
    title, parameter_name = _("scope"), "scope"

    def options(self, request: HttpRequest) -> Options:
        return {name: (name, with_scope(name)) for name in profiles.active().scopes}


class LastUseFilter(WordsFilter):
    title = _("last use")
    parameter_name = "used"

    def options(self, request: HttpRequest) -> Options:
        now = timezone.now()
        return {
            "1d": (gettext("in the last day"), Q(last_used_at__gte=now - timedelta(days=1))),
            "7d": (gettext("in the last 7 days"), Q(last_used_at__gte=now - timedelta(days=7))),
            "unused": (
                gettext("not in %(days)d days") % {"days": UNUSED.days},
                predicates.unused_since(now - UNUSED),
            ),
            "never": (gettext("never"), Q(last_used_at__isnull=True)),
        }


class MadeFilter(DateFilter):
    label = _("created")
    parameter_name = "made"
    column = "created_at"


class ExpiryFilter(WordsFilter):
    title, parameter_name = _("expires"), "expires"

    def options(self, request: HttpRequest) -> Options:
        now = timezone.now()
        soon = {
            f"{days}d": (
                gettext("within %(days)d days") % {"days": days},
                predicates.expiring(now, timedelta(days=days)),
            )
            for days in (14, 30, 90)
        }
        return {**soon, "never": (gettext("never"), NEVER_EXPIRES)}


KEY_FILTERS = (
    StatusFilter,
    EnvironmentFilter,
    OwnerFilter,
    OrganizationFilter,
    ScopeFilter,
    LastUseFilter,
    ExpiryFilter,
    MadeFilter,
)
