"""How pages spell a moment: in one form, in the time zone of the request, which it names.

`django.utils.timezone.activate` sets that zone (accounts.users.profile.middleware). Without it,
settings.TIME_ZONE decides, which is UTC.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.utils import timezone
from django.utils.dateformat import format as formatted
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from access.backoffice.humanize import ago
from config.wire.fields import timestamp

FORM, FORM_WITH_SECONDS = _("j M Y, H:i"), _("j M Y, H:i:s")  # of Django's date filter
NEVER = _("never")


def said_at(moment: datetime) -> str:
    """Return "29 Nov 2026, 20:14 UTC" as plain text."""
    return _formatted(timezone.localtime(moment), FORM)


def said_at_second(moment: datetime) -> str:
    """Return "29 Nov 2026, 20:14:05 UTC" as plain text."""
    return _formatted(timezone.localtime(moment), FORM_WITH_SECONDS)


def shown_at(moment: datetime | None) -> SafeString:
    """Return "29 Nov 2026, 20:14 UTC" for a page, or "never"; hovering shows UTC with seconds."""
    return _time(moment, said_at(moment)) if moment else SafeString(gettext("never"))


def shown_at_second(moment: datetime) -> SafeString:
    """Return "29 Nov 2026, 20:14:05 UTC" for a page; hovering shows UTC."""
    return _time(moment, said_at_second(moment))


def shown_ago(moment: datetime | None) -> SafeString:
    """Return "3 minutes ago" for a page, or "never"; hovering shows when that was, in UTC."""
    return _time(moment, ago(moment, timezone.now())) if moment else SafeString(gettext("never"))


def zone_name() -> str:
    """Return the name of the zone in which pages show moments and forms read them, such as Europe/Berlin."""
    return timezone.get_current_timezone_name()


def moment_column(
    name: str, label: StrOrPromise, *, never: StrOrPromise = NEVER
) -> Callable[[Any, Any], SafeString]:
    """Return a column of an admin page, or a read-only field, that shows the moment in the field `name`.

    `never` is what it says if the field is empty.
    """

    @admin.display(description=label, ordering=name)
    def column(self: Any, row: Any) -> SafeString:
        moment = getattr(row, name)
        return shown_at(moment) if moment else SafeString(str(never))

    return column


def _time(moment: datetime, words: str) -> SafeString:
    in_utc = _formatted(moment.astimezone(UTC), FORM_WITH_SECONDS)
    return format_html('<time datetime="{}" title="{}">{}</time>', timestamp(moment), in_utc, words)


def _formatted(moment: datetime, form: StrOrPromise) -> str:
    return f"{formatted(moment, str(form))} {_short_name(moment)}"


def _short_name(moment: datetime) -> str:
    """Return the abbreviation of the zone at this moment, such as CEST, or UTC-03 for a zone without one."""
    name = moment.tzname() or ""
    return f"UTC{name}" if name.startswith(("+", "-")) else name
