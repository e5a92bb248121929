"""Rows as CSV (RFC 4180), for people who open them in a spreadsheet."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.http import FileResponse

from access.backoffice.spool import written

BYTE_ORDER_MARK = "\ufeff"  # without it Excel takes UTF-8 for the encoding of the machine
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class Line:
    """What csv writes to: it hands back what is written."""

    def write(self, text: str) -> str:
        return text


def csv_response(
    name: str, heads: Sequence[str], rows: Iterable[Sequence[Any]], reader: int | None
) -> FileResponse:
    """Return the rows as the file `name`, for the person with this number: read before any of it is sent.

    Raises Busy if too much is exported at this moment.
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
    """Return a cell as text that no spreadsheet takes for a formula (OWASP: CSV injection)."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(FORMULA) else text
