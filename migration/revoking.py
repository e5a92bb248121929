"""Services that carry over what ended in another system since the last import."""

from collections.abc import Iterable, Iterator, Sequence

from django.db import transaction

from access.leases import wait_out_leases
from access.principals import Caller
from apikeys.models import ApiKey, KeySource
from apikeys.services.events import record_about_all
from apikeys.services.revocation import revoke_locked
from audit.events import EventName
from config.database.rows import PART, edit
from config.wire.errors import Invalid

REASON = "revoked in the system that it was imported from"
DISABLED = "disabled in the system that it was imported from"
MOST_MISSING, FEW = 0.5, 10  # part of a system's keys: beyond it, the operator has probably named another


class Seen:
    """The primary keys that an import has met, a bit each, so that millions take little memory."""

    def __init__(self, source: KeySource | None) -> None:
        keys = ApiKey.objects.filter(imported_from=source, revoked_at__isnull=True) if source else None
        numbers = keys.order_by("pk").values_list("pk", flat=True) if keys is not None else None
        self.first = (numbers.first() if numbers is not None else None) or 0
        self.last = (numbers.last() if numbers is not None else None) or -1
        self._bits = bytearray((self.last - self.first) // 8 + 1)

    def add(self, numbers: Iterable[int]) -> None:
        """Note these keys. Keys that came after the import began are ignored."""
        for number in numbers:
            if self.first <= number <= self.last:
                place = number - self.first
                self._bits[place >> 3] |= 1 << (place & 7)

    def __contains__(self, number: int) -> bool:
        place = number - self.first
        return bool(self._bits[place >> 3] & 1 << (place & 7))


def missing(source: KeySource, seen: Seen) -> list[int]:
    """Return the unrevoked keys of the system that the import did not meet.

    Raises Invalid if they are more than half of all.
    """
    total, gone = 0, list[int]()
    for number in _unrevoked(source, seen):
        total += 1
        if number not in seen:
            gone.append(number)
    if len(gone) > max(MOST_MISSING * total, FEW):
        raise Invalid(
            "from",
            f"{len(gone)} of {total} imported keys are gone from the source; if that is right, import with "
            "--keep-missing and revoke them with revokeapikey",
        )
    return gone


def _unrevoked(source: KeySource, seen: Seen) -> Iterator[int]:
    rows = ApiKey.objects.filter(imported_from=source, revoked_at__isnull=True, pk__lte=seen.last)
    last = seen.first - 1
    while part := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:PART]):
        yield from part
        last = part[-1]


def revoke_missing(caller: Caller, numbers: Sequence[int]) -> None:
    """Revoke the keys with these primary keys, a part in each transaction."""
    for start in range(0, len(numbers), PART):
        revoke(caller, numbers[start : start + PART])


def revoke(caller: Caller, numbers: Sequence[int]) -> None:
    """Revoke keys, by primary key, that ended in the system that they come from."""
    if numbers:
        with transaction.atomic():
            revoke_locked(caller, _locked(numbers), REASON)


def disable(caller: Caller, numbers: Sequence[int]) -> None:
    """Disable keys, by primary key, that are disabled in the system that they come from."""
    if not numbers:
        return
    with transaction.atomic():
        locked = [row for row in _locked(numbers) if row.disabled_at is None]
        edit(ApiKey.objects.filter(pk__in=[row.pk for row in locked]), disabled_at=caller.origin.at)
        record_about_all(EventName.API_KEY_DISABLED, caller, locked, {"reason": DISABLED})
        wait_out_leases()


def _locked(numbers: Sequence[int]) -> list[ApiKey]:
    found = ApiKey.objects.select_related("user", "organization").filter(pk__in=numbers)
    return list(found.select_for_update(of=("self",), no_key=True).order_by("pk"))
