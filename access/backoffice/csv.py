"""Rows as CSV (RFC 4180), for people who open them in a spreadsheet."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.http import FileResponse

from access.backoffice.spool import written

BYTE_ORDER_MARK = "\ufeff"  # without it Excel does not recognize UTF-8
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class Line:
    """The file that csv writes to: it returns the text instead of storing it."""

    def write(self, text: str) -> str:
        return text


def csv_response(
    name: str, heads: Sequence[str], rows: Iterable[Sequence[Any]], reader: int | None
) -> FileResponse:
    """Return the rows as the file `name`. All rows are read before any of it is sent.

    `reader` is the primary key of the person who downloads it. Raises Busy during too many other exports.
    """
    spool = written(_lines(heads, rows), reader)
    size = spool.rewind()
    kind = "text/csv; charset=utf-8"
    return FileResponse(
        spool, as_attachment=True, filename=name, content_type=kind, headers={"Content-Length": str(size)}
    )


def _lines(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    writer = csv.writer(Line())
    yield BYTE_ORDER_MARK + writer.writerow(heads)
    for row in rows:
        yield writer.writerow([harmless(cell) for cell in row])


def harmless(cell: Any) -> str:
    """Return a cell as text that no spreadsheet interprets as a formula (OWASP: CSV injection)."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(FORMULA) else text
