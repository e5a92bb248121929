"""Tables that commands print: with rich on a terminal, as aligned columns elsewhere."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from config.logs import escape

PART = 1_000  # rows in memory at a time
COLOURS = {
    "active": "green",
    "expiring": "yellow",
    "disabled": "yellow",
    "inactive": "yellow",
    "expired": "red",
    "revoked": "red",
}


class Table(NamedTuple):
    """Rows below their heads, which may come from an iterator; the text `empty` replaces an empty table."""

    heads: Sequence[str]
    rows: Iterable[Sequence[object]]
    empty: str = ""


class Line(NamedTuple):
    """A line of text with a style of rich, such as "green", for terminals."""

    text: str
    style: str


def write_line(line: Line, stream: Any) -> None:
    """Write a line to a command's stream, in colour on a terminal unless NO_COLOR is set."""
    if not stream.isatty():
        stream.write(line.text)
        return
    from rich.console import Console
    from rich.text import Text

    Console(file=stream).print(Text(line.text, line.style), soft_wrap=True)


def write(table: Table, stream: Any) -> None:
    """Write a table to a command's stream (django.core.management.base.OutputWrapper)."""
    if stream.isatty():
        _write_with_rich(table, stream)
        return
    for line in lines(table):
        stream.write(line)


def lines(table: Table) -> Iterator[str]:
    """Yield a table as aligned columns. A part is as wide as its cells and those of the parts before it."""
    widths = [len(head) for head in table.heads]
    above = [list(table.heads)]
    for part in _parts(table.rows):
        widths = [max(width, *(len(row[i]) for row in part)) for i, width in enumerate(widths)]
        yield from (_line(row, widths) for row in above + part)
        above = []
    if above:
        yield table.empty or _line(above[0], widths)


def _line(cells: list[str], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _parts(rows: Iterable[Sequence[object]]) -> Iterator[list[list[str]]]:
    cells = ([escape(str(cell)) for cell in row] for row in rows)
    while part := list(islice(cells, PART)):
        yield part


def _write_with_rich(table: Table, stream: Any) -> None:
    """Write a table for each part, as wide as the terminal. The first column, an id or a name, never breaks.

    NO_COLOR turns colours off (https://no-color.org).
    """
    from rich.console import Console  # imported here: most commands print no table on a terminal

    console, is_empty = Console(file=stream), True
    for part in _parts(table.rows):
        console.print(_drawn(table.heads, part))
        is_empty = False
    if is_empty:
        console.print(table.empty or _drawn(table.heads, []), markup=False, highlight=False)


def _drawn(heads: Sequence[str], part: list[list[str]]) -> Any:
    from rich import box
    from rich.table import Table as Drawn
    from rich.text import Text

    drawn = Drawn(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for head in heads:
        drawn.add_column(head, no_wrap=head == heads[0], overflow="fold")
    for row in part:
        cells = zip(heads, row, strict=True)
        drawn.add_row(
            *[Text(text, COLOURS.get(text, "") if head == "status" else "") for head, text in cells]
        )
    return drawn
