"""Taking away rows that have no meaning any more: some at a time, so that nobody waits long for them."""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import QuerySet

SOME = 1000


def take_some(rows: QuerySet[Any]) -> list[Any]:
    """Lock some of `rows` and return them; none that somebody else has locked."""
    return list(rows.select_for_update(skip_locked=True, of=("self",))[:SOME])


def delete_some(rows: QuerySet[Any]) -> int:
    """Delete some of `rows` and return how many; 0 when there are none left, or others are at them."""
    if not rows.exists():  # SQLite would lock everybody out to find that out
        return 0
    with transaction.atomic():
        taken = take_some(rows)
        rows.model._default_manager.filter(pk__in=[row.pk for row in taken]).delete()
    return len(taken)


class Leftovers(NamedTuple):
    """A kind of rows that have no meaning any more, and the service that takes some of them away."""

    name: str
    rows: QuerySet[Any]
    prune_some: Callable[[QuerySet[Any]], int] = delete_some
