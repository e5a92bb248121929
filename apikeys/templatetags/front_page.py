"""The admin's front page: a tag, since the site itself stands on a floor below keys."""

from typing import Any

from django import template
from django.utils import timezone

from access.callers import principal_in
from apikeys.admin import overview, usage_charts

register = template.Library()


@register.inclusion_tag("admin/overview.html", takes_context=True)
def front_page(context: Any) -> dict[str, Any]:
    """What needs attention, and the charts: of what whoever sits before the admin may see."""
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
