"""Walks over keys, a batch at a time. Of all servers one at a time takes a batch: it locks the walk's row."""

from datetime import datetime
from typing import NamedTuple

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan

from apikeys.models import ApiKey
from apikeys.notices.models import KeyWalk
from apikeys.predicates import Expiry

BATCH = 500
LAST_ID = 2**63 - 1


class Place(NamedTuple):
    """The place of a key: when it expires, and its primary key."""

    expires_at: datetime
    number: int


class Batch(NamedTuple):
    """Keys in order, and whether the next batch may have more."""

    keys: list[ApiKey]
    is_full: bool


def batch_by_expiry(after: Place, until: datetime) -> Batch:
    """Return the next keys behind a place that expire until `until`, from the index api_key_by_end."""
    return _batch(by_expiry(after, until))


def by_expiry(after: Place, until: datetime) -> "QuerySet[ApiKey]":
    """Return the keys behind a place that expire until `until`, in order."""
    keys = ApiKey.objects.annotate(end=Expiry("expires_at"))
    behind = TupleGreaterThan(Tuple("end", "pk"), tuple(after))
    return keys.filter(behind, end__lte=until).order_by("end", "pk")


def next_by_expiry(after: Place, until: datetime) -> "QuerySet[ApiKey]":
    """Return the same keys, in order, without what only a notice needs.

    Without the order, as in `exists()`, PostgreSQL expects a match soon, and reads all keys to find nothing.
    """
    return by_expiry(after, until).only("pk")


def batch_by_number(after: int) -> Batch:
    """Return the next keys behind this primary key."""
    return _batch(by_number(after))


def by_number(after: int) -> "QuerySet[ApiKey]":
    """Return the keys behind this primary key, in order."""
    return ApiKey.objects.filter(pk__gt=after).order_by("pk")


def _batch(keys: "QuerySet[ApiKey]") -> Batch:
    """Read a batch of the keys. Which are due is decided outside of the query, so that it reads no more."""
    found = list(with_rotation(keys)[:BATCH])
    return Batch(found, len(found) == BATCH)


def with_rotation(keys: "QuerySet[ApiKey]") -> "QuerySet[ApiKey]":
    """Return the keys with their owners, and `is_rotated`: whether a successor has replaced them."""
    successors = ApiKey.objects.unrevoked().filter(predecessor=OuterRef("pk"))
    return keys.select_related("user", "organization").annotate(is_rotated=Exists(successors))


def may_be_told(key: ApiKey, now: datetime) -> bool:
    """Whether the key works and was not replaced: else its owner needs no notice."""
    return key.status(now) == "active" and not getattr(key, "is_rotated", False)


def taken(name: str, begins: Place) -> KeyWalk | None:
    """Lock a walk and return it; None if another server has it. `begins` is where a new walk begins."""
    found = KeyWalk.objects.select_for_update(skip_locked=True).filter(name=name).first()
    if found is None and not KeyWalk.objects.filter(name=name).exists():
        start = {"reached_at": begins.expires_at, "reached_id": begins.number}
        KeyWalk.objects.bulk_create([KeyWalk(name=name, **start)], ignore_conflicts=True)
        return KeyWalk.objects.select_for_update(skip_locked=True).filter(name=name).first()
    return found
