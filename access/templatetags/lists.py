"""The cells of a list's row, which name their column where a narrow screen shows no headings."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def cells(row: Iterable[str], headers: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the cells, each with the text of its header in `data-label`."""
    return [
        cell if "action-checkbox" in cell[:40] else _labelled(cell, str(header["text"]))
        for cell, header in zip(row, headers, strict=True)
    ]


def _labelled(cell: str, label: str) -> SafeString:
    """Add the label to the first tag, `<td` or `<th`, of a cell that Django has rendered."""
    return SafeString(cell[:3] + format_html(' data-label="{}"', label[:1].upper() + label[1:]) + cell[3:])
