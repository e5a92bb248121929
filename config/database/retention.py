"""Deletes obsolete rows in small batches, so that other transactions do not wait long."""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import QuerySet

SOME = 1000


def take_some(rows: QuerySet[Any]) -> list[Any]:
    """Lock some of `rows` and return them, without rows that another transaction has locked."""
    return list(rows.select_for_update(skip_locked=True, of=("self",))[:SOME])


def delete_some(rows: QuerySet[Any]) -> int:
    """Delete some of `rows` and return how many; 0 if none are left, or all are locked."""
    if not rows.exists():  # on SQLite, the transaction would lock out all writers
        return 0
    with transaction.atomic():
        taken = take_some(rows)
        rows.model._default_manager.filter(pk__in=[row.pk for row in taken]).delete()
    return len(taken)


class Leftovers(NamedTuple):
    """A kind of obsolete rows, and the service that deletes some of them."""

    name: str
    rows: QuerySet[Any]
    prune_some: Callable[[QuerySet[Any]], int] = delete_some
