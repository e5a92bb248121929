"""Moments in templates: `{{ key.created_at|at }}`."""

from django import template

from access.backoffice.moments import said_at, shown_ago, shown_at, shown_at_second

register = template.Library()

register.filter("at", shown_at)
register.filter("at_second", shown_at_second)
register.filter("plain_at", said_at)
register.filter("ago", shown_ago)
