"""Filters for lists of the admin that are a few words, each a condition."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Q, QuerySet
from django.http import HttpRequest

Options = Mapping[str, tuple[str, Q]]


class WordsFilter(admin.SimpleListFilter, ABC):
    """Subclasses say, for each value of the parameter, what stands on the page and which rows are meant."""

    @abstractmethod
    def options(self, request: HttpRequest) -> Options:
        """Return {value: (words, condition)}."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        self._options = self.options(request)
        return [(value, words) for value, (words, _) in self._options.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        if value not in self._options:
            raise IncorrectLookupParameters
        return queryset.filter(self._options[value][1])
