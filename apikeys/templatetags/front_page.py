"""The admin's front page. It is a template tag, because the admin site may not import apikeys."""

from typing import Any

from django import template
from django.utils import timezone

from access.callers import principal_in
from apikeys.admin import overview, usage_charts

register = template.Library()


@register.inclusion_tag("admin/overview.html", takes_context=True)
def front_page(context: Any) -> dict[str, Any]:
    """Return what needs attention, and the charts, for the person who uses the admin."""
    principal, now = principal_in(context["request"]), timezone.now()
    keys = overview.keys(principal, now)
    return {
        "concerns": [*keys.concerns, *overview.refusals(principal, now), *overview.people(principal)],
        "charts": [
            *usage_charts.charts_of_all(principal, now),
            *keys.charts,
            *overview.event_charts(principal, now),
        ],
    }
