"""Admin lists accept only the query parameters that their own links and forms send.

Django turns every other parameter into a lookup: `name__regex` would run in the database.
"""

import re
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ORDER_VAR, PAGE_VAR, SEARCH_VAR, ChangeList
from django.db.models import Model, QuerySet
from django.http import HttpRequest, QueryDict
from django.utils.text import capfirst

from config.wire.errors import BadQuery
from config.wire.quoting import shown

UNDECLARED = "is not a filter of this list; choose one on the page"
AUTOCOMPLETE_TERM = "term"
LONGEST_SEARCH, MOST_WORDS = 254, 10  # characters; each word is compared with each column
PAGE_NUMBER = re.compile(r"[1-9][0-9]{0,8}")


class DeclaredChangeList(ChangeList):
    """A list that accepts the parameters of its declared filters, and Django's own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = str(capfirst(self.opts.verbose_name_plural))  # Django's is "Select user to change"

    def get_filters(self, request: HttpRequest) -> Any:
        """Django's. Raises BadQuery for a parameter that no filter uses."""
        found = super().get_filters(request)
        _specs, _has_filters, left, *_ = found
        for name in self.filter_params.keys() & left.keys():
            raise BadQuery(shown(name), UNDECLARED)
        return found

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        """Django's. Raises BadQuery for a value that its filter does not accept."""
        try:
            return super().get_queryset(request, exclude_parameters)
        except IncorrectLookupParameters as error:
            names = ", ".join(sorted(self.get_filters_params()))
            raise BadQuery(shown(names), "has a value that the filter does not accept") from error

    def get_ordering_field(self, field_name: Any) -> Any:
        """Django's, but None for a column that is not sortable: Django only hides its link."""
        return super().get_ordering_field(field_name) if field_name in (self.sortable_by or ()) else None

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """Django's, in the order of an index. Raises BadQuery for an order that no column header links to."""
        columns = [each.removeprefix("-") for each in self.params.get(ORDER_VAR, "").split(".")]
        sortable = {str(i) for i, name in enumerate(self.list_display) if self.get_ordering_field(name)}
        if columns != [""] and (not sortable.issuperset(columns) or len(set(columns)) < len(columns)):
            raise BadQuery(ORDER_VAR, "must be numbers of sortable columns, each once, such as 1.-2")
        return in_order_of_index(self.model, super().get_ordering(request, queryset))

    def get_results(self, request: HttpRequest) -> None:
        """Django's. Raises BadQuery for a page that does not exist."""
        try:
            super().get_results(request)
        except IncorrectLookupParameters as error:
            raise BadQuery(PAGE_VAR, "is beyond the last page of this list") from error


def in_order_of_index(model: type[Model], ordering: list[Any]) -> list[Any]:
    """Return Django's ordering by a column and "-pk", with "pk" where the column's index is read that way.

    An index on (name, id) gives both ascending, or both descending. In another order the database would have
    to sort the rows that are equal in the column.
    """
    if len(ordering) != 2 or ordering[1] != "-pk" or not isinstance(ordering[0], str):
        return ordering
    column, is_descending = ordering[0].removeprefix("-"), ordering[0].startswith("-")
    two = [index.fields_orders for index in model._meta.indexes if len(index.fields_orders) == 2]
    ends = [second for (first, _), (_, second) in two if first == column]
    is_last_first = bool(ends) and is_descending == (ends[0] == "DESC")
    return [ordering[0], "pk" if is_last_first else "-pk"]


def check_query(query: QueryDict) -> None:
    """Raise BadQuery for parameters that no admin page sends, whatever their names."""
    for name, values in query.lists():
        if len(values) > 1:
            raise BadQuery(shown(name), "is repeated in the query; send it once")
        if "\0" in name + values[0]:
            raise BadQuery(shown(name), "contains a NUL character")
    for number in query.getlist(PAGE_VAR):
        if not PAGE_NUMBER.fullmatch(number):
            raise BadQuery(PAGE_VAR, "must be the number of a page")
    for name in (SEARCH_VAR, AUTOCOMPLETE_TERM):
        text = query.get(name, "")
        if len(text) > LONGEST_SEARCH or len(text.split()) > MOST_WORDS:
            raise BadQuery(name, f"must be at most {MOST_WORDS} words and {LONGEST_SEARCH} characters")
