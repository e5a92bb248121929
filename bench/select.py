"""One raw SELECT by an indexed digest: the least that anybody can do who asks the database."""

import hashlib
from collections.abc import Sequence

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from bench.answer import ANSWER

BY_DIGEST = "SELECT id, name FROM raw_key WHERE digest = %s"


def view(request: HttpRequest) -> HttpResponse:
    """No ORM, no authentication classes."""
    digest = hashlib.sha256(request.META["HTTP_X_API_KEY"].encode()).digest()
    with connection.cursor() as cursor:
        cursor.execute(BY_DIGEST, [digest])
        found = cursor.fetchone()
    return JsonResponse(ANSWER, status=200 if found else 401)


def fill(rows: int, where: Sequence[int], texts: Sequence[str]) -> None:
    """Make the table, with these texts in their places."""
    digests = [hashlib.sha256(text.encode()).digest() for text in texts]
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE raw_key AS SELECT g AS id, 'a key'::text AS name,"
            " COALESCE(used.digest, sha256(('x' || g)::bytea)) AS digest FROM generate_series(1, %s) g"
            " LEFT JOIN unnest(%s::bigint[], %s::bytea[]) AS used(place, digest) ON used.place = g",
            [rows, list(where), digests],
        )
        cursor.execute("CREATE UNIQUE INDEX ON raw_key (digest)")
        cursor.execute("VACUUM ANALYZE raw_key")
