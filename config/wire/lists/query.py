"""The query parameters of a list: filters, `search` and `ordering`."""

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework import serializers

from config.wire.fields import OneOfField
from config.wire.lists.order import STORED, Column, Order
from config.wire.members import RequestSerializer, external_name

ORDERING = "ordering"
NEWEST_FIRST = "-created_at"


class ListQuery(RequestSerializer):
    """The query parameters of a list, by canonical names. A subclass declares a field for each filter.

    A filter keeps the rows whose column `source` has the value; a method `by_SOURCE` replaces that. The
    members of `orderings` are the values of `ordering`, ascending, and with "-" descending. Each must be
    served by an index. `default_ordering` is the one for the newest first, "" if it has no name.
    """

    orderings: ClassVar[Mapping[str, Column]] = {"created_at": STORED}
    default_ordering: ClassVar[str] = NEWEST_FIRST

    def declared(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().declared()
        if self.orderings:
            words = self._words()
            default = next((sent for sent in words if words[sent] == self.default_ordering), "newest first")
            fields[ORDERING] = OneOfField(words, help_text=f"- means descending; default: {default}")
        return fields

    @property
    def is_plain(self) -> bool:
        """Whether the client sent no filter and no order."""
        return not self.validated_data

    def narrowed(self, rows: Any) -> Any:
        """Return the rows that pass every filter."""
        for name, value in self.validated_data.items():
            if name != ORDERING:
                find = getattr(self, f"by_{name}", None)
                rows = find(rows, value) if find else rows.filter(**{name: value})
        return rows

    def by_search(self, rows: Any, text: str) -> Any:
        """Keep the rows that the search finds. An empty text finds all."""
        return rows.matching(text) if text else rows

    @property
    def order(self) -> Order:
        """The order that the client asked for, or else the default."""
        word = self._words().get(self.validated_data.get(ORDERING), self.default_ordering)
        if word == self.default_ordering:
            return Order()
        return Order(self.orderings[word.removeprefix("-")], word.startswith("-"), word)

    def _words(self) -> dict[Any, str]:
        """Return the values of `ordering`: as clients of the profile send them, with the canonical ones."""
        names = {member: external_name(self.resource, member) for member in self.orderings}
        return {f"{sign}{names[member]}": f"{sign}{member}" for member in names for sign in ("", "-")}
