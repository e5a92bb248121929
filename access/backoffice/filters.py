"""Filters for admin lists: by date, and by a few named conditions."""

import calendar
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dates import MONTHS
from django_stubs_ext import StrOrPromise

from access.backoffice.moments import zone_name
from config.wire.errors import BadQuery

MOST_YEARS = 5
DATE = re.compile(r"2[0-9]{3}(-[0-9]{2}(-[0-9]{2})?)?")
Options = Mapping[str, tuple[StrOrPromise, Q]]


class DateFilter(admin.SimpleListFilter):
    """Years, then the months of the chosen year, then its days: Django's date hierarchy without its queries.

    They begin at midnight in the time zone of the page, which the title names. `column` should have an index.
    """

    column: ClassVar[str]
    label: ClassVar[StrOrPromise]

    def __init__(self, *args: Any) -> None:
        self.title = f"{self.label} ({zone_name()})"
        super().__init__(*args)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, StrOrPromise]]:
        chosen = self.value() or ""
        start, this_year = _start(chosen), timezone.localtime().year
        if start is None:
            return [(str(year), str(year)) for year in range(this_year, this_year - MOST_YEARS, -1)]
        year, month = chosen[:4], chosen[:7]
        if year == chosen:
            months = ((f"{year}-{number:02}", MONTHS[number]) for number in range(1, 13))
            return [(year, year), *months]
        last = calendar.monthrange(start.year, start.month)[1]
        days = ((f"{month}-{number:02}", str(number)) for number in range(1, last + 1))
        return [(year, year), (month, MONTHS[start.month]), *days]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        start = _start(value)
        if start is None:
            reason = "must be a year, a month or a day, such as 2026, 2026-11 or 2026-11-22"
            raise BadQuery(str(self.parameter_name), reason)
        days = {4: 365 + calendar.isleap(start.year), 7: calendar.monthrange(start.year, start.month)[1]}
        end = start + timedelta(days=days.get(len(value), 1))
        return queryset.filter(**{f"{self.column}__gte": start, f"{self.column}__lt": end})


def _start(value: str) -> datetime | None:
    """Return when a year, month or day begins: 2026, 2026-11 or 2026-11-22. None for other text."""
    zone = timezone.get_current_timezone()
    if not DATE.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value + "-01-01"[len(value) - 4 :]).replace(tzinfo=zone)
    except ValueError:
        return None


class WordsFilter(admin.SimpleListFilter, ABC):
    """A filter with a few choices. Subclasses give each value its words and its condition."""

    @abstractmethod
    def options(self, request: HttpRequest) -> Options:
        """Return {value: (words, condition)}."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, StrOrPromise]]:
        self._options = self.options(request)
        return [(value, words) for value, (words, _) in self._options.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        if value not in self._options:
            raise BadQuery(str(self.parameter_name), f"must be one of {', '.join(self._options)}")
        return queryset.filter(self._options[value][1])
