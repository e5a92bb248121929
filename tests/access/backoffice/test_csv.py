"""CSV for spreadsheets contains no formulas, and is written in full before it is sent."""

import csv
import gc
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.http import FileResponse

from access.backoffice.csv import csv_response
from access.backoffice.spool import IN_MEMORY, KEPT_AT_ONCE, KEPT_FOR_ONE, WRITTEN_AT_ONCE
from config.wire.errors import Busy

pytestmark = pytest.mark.django_db  # closing a response also checks the connection


READER = 1


def export(rows: Iterable[list[Any]] = (), reader: int = READER) -> FileResponse:
    return csv_response("keys.csv", ["a", "b"], rows, reader)


def text_of(response: FileResponse) -> str:
    """Return the text after the byte order mark, and close the response, as the server does."""
    sent = b"".join(response)
    response.close()
    assert response.headers["Content-Length"] == str(len(sent))
    return sent.decode("utf-8-sig")


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_what_a_spreadsheet_would_compute_is_text(cell: str) -> None:
    text = text_of(export([[cell]]))
    assert list(csv.reader(text.splitlines(keepends=True)))[1] == [f"'{cell}"]


def test_commas_quotes_and_line_ends_stay_inside_their_cell() -> None:
    cell = 'a,"b"\r\nc'
    text = text_of(export([[cell, None]]))
    assert list(csv.reader(text.splitlines(keepends=True))) == [["a", "b"], [cell, ""]]


def test_rows_are_read_before_any_of_them_is_sent() -> None:
    read = []

    def rows() -> Iterator[list[int]]:
        for number in range(3):
            read.append(number)
            yield [number]

    response = export(rows())
    assert response.headers["Content-Disposition"] == 'attachment; filename="keys.csv"'
    assert read == [0, 1, 2]
    assert text_of(response) == "a,b\r\n0\r\n1\r\n2\r\n"


def open_files() -> int:
    gc.collect()  # those that other tests left
    return len(list(Path("/proc/self/fd").iterdir()))


def test_what_is_too_long_for_memory_is_kept_in_a_file_and_sent_whole_in_parts() -> None:
    cell, before = "x" * 1000, open_files()
    short = export([[cell]])
    assert open_files() == before
    response = export([cell] for _ in range(2 * IN_MEMORY // 1000))
    assert open_files() == before + 1
    parts = list(response)
    for each in (short, response):
        each.close()
    assert max(map(len, parts)) == response.block_size
    text = b"".join(parts).decode("utf-8-sig")
    assert len(text) > 2 * IN_MEMORY
    assert set(text.splitlines()[1:]) == {cell}


def test_so_many_are_written_at_once_and_no_more() -> None:
    def rows(depth: int) -> Iterator[list[Any]]:
        """Write other exports, by other people, while this one is written."""
        if depth < WRITTEN_AT_ONCE:
            export(rows(depth + 1), depth + 1).close()
        else:
            with pytest.raises(Busy):
                export(reader=depth + 1)
        yield [depth]

    assert text_of(export(rows(1))) == "a,b\r\n1\r\n"


def test_a_person_has_so_many_to_read_and_keeps_nobody_else_from_exporting() -> None:
    kept = [export() for _ in range(KEPT_FOR_ONE)]
    with pytest.raises(Busy) as refused:
        export()
    assert refused.value.headers == {"Retry-After": "5"}
    export(reader=READER + 1).close()
    text_of(kept.pop())
    export().close()
    kept.pop().close()


def test_all_have_so_many_to_read() -> None:
    kept = [export(reader=number) for number in range(KEPT_AT_ONCE)]
    with pytest.raises(Busy, match="16 exports are being downloaded") as refused:
        export(reader=KEPT_AT_ONCE)
    assert refused.value.headers == {"Retry-After": "5"}
    for response in kept:
        response.close()
    export(reader=KEPT_AT_ONCE).close()


def test_what_fails_or_is_never_sent_makes_room_again() -> None:
    def rows() -> Iterator[list[Any]]:
        yield [1]
        raise KeyError

    for _ in range(KEPT_AT_ONCE):
        with pytest.raises(KeyError):
            export(rows())
        export()  # and the answer is lost
        gc.collect()
    assert text_of(export()) == "a,b\r\n"
