"""A table full of rows, each like the one that the application itself has made."""

import random
from collections.abc import Mapping, Sequence

from django.db import connection
from django.db.models import Model

FIRST = 1_000_001  # number of the first row made here: those that the application made are below


def places(rows: int, count: int) -> list[int]:
    """Return `count` of the places 1 to `rows`, scattered, the same each time."""
    return random.Random(1).sample(range(1, rows + 1), count)  # noqa: S311 (no secret)


def multiply(
    template: Model,
    rows: int,
    columns: Mapping[str, str],
    *,
    texts: Mapping[int, str] | None = None,
    else_text: str = "md5('first' || g) || md5('second' || g)",
) -> None:
    """Add `rows` rows like `template`, but for `columns`: SQL expressions by name.

    They know `g`, the place from 1 on; `number`, which is the place from FIRST on; and `text`, which is
    `texts[g]`, or `else_text` where there is none.
    """
    used = texts or {}
    meta = template._meta
    names = [str(field.column) for field in meta.concrete_fields]
    quoted = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(columns.get(name, f't."{name}"') for name in names)
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SET session_replication_role = replica")  # check no foreign keys
        cursor.execute(
            f"""
            INSERT INTO "{meta.db_table}" ({quoted}) SELECT {values}
            FROM "{meta.db_table}" t, (
                SELECT g, g + {FIRST - 1} AS number, COALESCE(used.text, {else_text}) AS text
                FROM generate_series(1, %s) g
                LEFT JOIN unnest(%s::bigint[], %s::text[]) AS used(place, text) ON used.place = g
            ) new
            WHERE t."{meta.pk.column if meta.pk else ""}" = %s
            """,  # noqa: S608 (all of it is ours)
            [rows, list(used), list(used.values()), template.pk],
        )
        cursor.execute("SET session_replication_role = origin")
        cursor.execute(f'VACUUM ANALYZE "{meta.db_table}"')  # as the database does by itself, in time


def by_place(where: Sequence[int], texts: Sequence[str]) -> dict[int, str]:
    """Put the texts into their places."""
    return dict(zip(where, texts, strict=True))
