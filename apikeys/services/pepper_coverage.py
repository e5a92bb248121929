"""What is stored under which pepper: what an operator asks before removing one."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.db.models import Count, Max, QuerySet

from access import peppers
from accounts.models import KnownSecret, RecoveryCode
from apikeys.models import ApiKey
from config.secrets.fingerprints import PEPPER, fingerprints
from oauth.models import OAuthClient


class Coverage(NamedTuple):
    """What is stored under a pepper. `number` is None for rows that are older than the numbering.

    A pepper is not here either if its number has another value here than it had before.
    """

    number: int | None
    is_here: bool
    is_current: bool
    known_since: datetime | None
    api_keys: int
    last_used_at: datetime | None
    recovery_codes: int
    oauth_clients: int

    @property
    def is_removable(self) -> bool:
        """Whether an operator can remove this pepper: a server starts without it, and all keys still work."""
        needed = self.api_keys or self.recovery_codes or self.oauth_clients
        return self.is_here and not self.is_current and not needed


class OfKeys(NamedTuple):
    """How many keys have a pepper, and when one of them was last used."""

    api_keys: int = 0
    last_used_at: datetime | None = None


def coverage(now: datetime) -> Iterator[Coverage]:
    """Return what is stored under each pepper that is here or that a row names, in order of the numbers.

    Counts the keys that have not ended at `now`; reads each table once.
    """
    keys = ApiKey.objects.unended(now).order_by().values_list("pepper")
    used: dict[int | None, OfKeys] = {
        row[0]: OfKeys(*row[1:]) for row in keys.annotate(count=Count("pk"), last=Max("last_used_at"))
    }
    codes = _counts(RecoveryCode.objects.all())
    clients = _counts(OAuthClient.objects.exclude(client_secret=""))
    known = {row.number: row for row in KnownSecret.objects.filter(kind=PEPPER)}
    here = _unchanged(known)
    numbers = {*settings.PEPPERS, *used, *codes, *clients}
    for number in sorted(numbers, key=lambda each: each or 0):
        of_keys = used.get(number, OfKeys())
        yield Coverage(
            number=number,
            is_here=number in here,
            is_current=number == peppers.current().number,
            known_since=known[number].known_since if number in known else None,
            api_keys=of_keys.api_keys,
            last_used_at=of_keys.last_used_at,
            recovery_codes=codes.get(number, 0),
            oauth_clients=clients.get(number, 0),
        )


def _unchanged(known: Mapping[int, KnownSecret]) -> set[int]:
    """Return the numbers of the peppers here, without those that had another value before."""
    here = fingerprints(PEPPER, settings.PEPPERS)
    return {
        each.number
        for each in here
        if each.number not in known or known[each.number].fingerprint == each.text
    }


def _counts(rows: "QuerySet[RecoveryCode] | QuerySet[OAuthClient]") -> dict[int | None, int]:
    return dict(rows.order_by().values_list("pepper").annotate(count=Count("pk")))
