"""The admin's page about the sinks of the audit log."""

from typing import NamedTuple

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext

from access.backoffice.base import may
from access.backoffice.humanize import grouped
from accounts.audit_sinks import outlets
from audit.models import Event
from audit.sinks.lag import lag_of
from config.profiles import Capability
from config.wire.http.methods import takes


class Shown(NamedTuple):
    """A row of the table."""

    name: str
    last_event: str
    waiting: str
    seconds: str
    failures: str


@takes("GET")
def sinks_page(request: HttpRequest) -> HttpResponse:
    """Show how far each sink is, to people who may read every event. Raises PermissionDenied."""
    if not may(request, Capability.READ_AUDIT):
        raise PermissionDenied
    context = {
        **admin.site.each_context(request),
        "title": gettext("Where the audit log is sent"),
        "opts": Event._meta,
        "sinks": [_shown(outlet.name) for outlet in outlets()],
    }
    return TemplateResponse(request, "admin/audit/sink/list.html", context)


def _shown(name: str) -> Shown:
    lag = lag_of(name, timezone.now())
    numbers = (lag.sequence, lag.events, round(lag.seconds), lag.failures)
    return Shown(name, *map(grouped, numbers))
