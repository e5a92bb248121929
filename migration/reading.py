"""Reads the rows of an export file or of another system's database, one after another."""

import csv
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg.conninfo import conninfo_to_dict

from config.wire.errors import Invalid
from config.wire.quoting import quoted
from migration.rows import COLUMNS, MISSHAPEN, Raw

AT_ONCE = 2_000  # rows of a query in memory
MEMBER = "from"


class Stamp(NamedTuple):
    """What is another for a file that was written again."""

    inode: int
    size: int
    written_at: int


def is_database(place: str) -> bool:
    """Whether the text is a database URL rather than a file."""
    return "://" in place


def is_stream(place: str) -> bool:
    """Whether the text names something that can be read once, such as a pipe."""
    try:
        mode = Path(place).stat().st_mode
    except OSError:  # reading it says why
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def stamp_of(place: str) -> Stamp | None:
    """Return the stamp of a file; None for a database and for a stream."""
    if is_database(place) or is_stream(place):
        return None
    try:
        found = Path(place).stat()
    except OSError:  # reading it says why
        return None
    return Stamp(found.st_ino, found.st_size, found.st_mtime_ns)


def check_whole(place: str) -> None:
    """Read an export file to its end. Raises Invalid if that is not possible."""
    for _ in _of_file(place):
        pass


def raw_rows(place: str, query: str) -> Iterator[Raw]:
    """Yield the rows of an export file, or of a query in a database. Raises Invalid."""
    if not is_database(place):
        yield from _of_file(place)
    elif not query:
        raise Invalid(MEMBER, "csv reads a file, not a database")
    elif place.startswith("sqlite:///"):
        yield from _of_sqlite(place.removeprefix("sqlite:///"), query)
    elif place.startswith(("postgres://", "postgresql://")):
        yield from _of_postgresql(place, query)
    else:
        raise Invalid(MEMBER, "a database URL must begin with postgres:// or sqlite:///; else name a file")


def _of_file(place: str) -> Iterator[Raw]:
    path = Path(place)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            heads = next(rows, [])
            _check_heads(path, heads)
            for row in filter(None, rows):
                yield Raw(f"{place}:{rows.line_num}", _values(heads, row))
    except OSError as error:
        raise Invalid(MEMBER, f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise Invalid(MEMBER, f"{path} is not UTF-8 text") from None
    except csv.Error as error:
        raise Invalid(MEMBER, f"{path} is not CSV: {error}") from None


def _values(heads: list[str], row: list[str]) -> dict[str, str]:
    if len(row) == len(heads):
        return dict(zip(heads, row, strict=True))
    return {MISSHAPEN: f"has {'more' if len(row) > len(heads) else 'fewer'} fields than the first line names"}


def _check_heads(path: Path, named: list[str]) -> None:
    if "key" not in named and "digest" not in named:
        raise Invalid(MEMBER, f"{path}:1: the first line must name the columns, with key or digest")
    for name in named:
        if name not in COLUMNS or named.count(name) > 1:
            known = ", ".join(sorted(COLUMNS))
            raise Invalid(
                MEMBER, f"{path}:1: the column {quoted(name)} is unknown or repeated; known are: {known}"
            )


def _of_sqlite(path: str, query: str) -> Iterator[Raw]:
    try:
        with closing(sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)) as database:
            cursor = database.execute(query)
            yield from _rows(cursor, [each[0] for each in cursor.description])
    except sqlite3.Error as error:
        raise Invalid(MEMBER, f"cannot read {path}: {error}") from None


def _of_postgresql(url: str, query: str) -> Iterator[Raw]:
    """Read with a cursor in the server, so that not all rows have to be in memory."""
    _check_url(url)
    try:
        with psycopg.connect(url) as database, database.cursor("keys") as cursor:
            cursor.itersize = AT_ONCE
            cursor.execute(query.encode())
            yield from _rows(cursor, [each.name for each in cursor.description or ()])
    except psycopg.Error as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise Invalid(MEMBER, f"cannot read the database: {reason}") from None


def _check_url(url: str) -> None:
    """Raise Invalid for a URL with a password, and for none. It does not repeat the URL."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise Invalid(MEMBER, "must be a database URL such as postgres://me@db.example.com/app") from None
    if parts.get("password"):
        words = "must have no password, which others could see; set PGPASSWORD or write ~/.pgpass"
        raise Invalid(MEMBER, f"the database URL {words}")


def _rows(cursor: Any, names: list[str]) -> Iterator[Raw]:
    for number, row in enumerate(cursor, 1):
        yield Raw(f"row {number}", dict(zip(names, row, strict=True)))
