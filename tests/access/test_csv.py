"""CSV for spreadsheets: nothing in it is a formula, and it is never in memory as a whole."""

import csv
from collections.abc import Iterator
from typing import Any

import pytest

from access.backoffice.csv import csv_response

pytestmark = pytest.mark.once


def lines(response: Any) -> Iterator[str]:
    """What comes after the byte order mark."""
    sent = (line.decode() for line in response.streaming_content)
    yield next(sent).removeprefix("\ufeff")
    yield from sent


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_what_a_spreadsheet_would_compute_is_text(cell: str) -> None:
    text = "".join(lines(csv_response("x.csv", ["a"], [[cell]])))
    assert list(csv.reader(text.splitlines(keepends=True)))[1] == [f"'{cell}"]


def test_commas_quotes_and_line_ends_stay_inside_their_cell() -> None:
    cell = 'a,"b"\r\nc'
    text = "".join(lines(csv_response("x.csv", ["a", "b"], [[cell, None]])))
    assert list(csv.reader(text.splitlines(keepends=True))) == [["a", "b"], [cell, ""]]


def test_rows_are_read_while_they_are_sent() -> None:
    read = []

    def rows() -> Iterator[list[int]]:
        for number in range(3):
            read.append(number)
            yield [number]

    response = csv_response("keys.csv", ["n"], rows())
    assert response.headers["Content-Disposition"] == 'attachment; filename="keys.csv"'
    sent = lines(response)
    assert (next(sent), read) == ("n\r\n", [])
    assert (next(sent), read) == ("0\r\n", [0])
