"""Columns that apps encrypt with the seed keys: counts who needs a key, and encrypts with the current one."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import QuerySet

from accounts.models import SecondFactor
from accounts.second_factor import seed_encryption
from config.database.rows import in_parts


class Encrypted(NamedTuple):
    """A column with encrypted texts: what they are, and the rows that are still used.

    `ending` returns other texts of a row. They soon end, so nobody encrypts them again.
    """

    what: str
    rows: Callable[[], QuerySet[Any]]
    column: str
    ending: Callable[[Any], list[str]] = lambda row: []

    def texts(self) -> Iterator[str]:
        """Yield the encrypted texts that are still used."""
        for row in in_parts(self.rows().order_by("pk")):
            yield from (getattr(row, self.column), *self.ending(row))


# Apps above this one append theirs when they start.
columns = [Encrypted("second factors", lambda: SecondFactor.objects.exclude(seed=""), "seed")]


def tables() -> set[str]:
    """Return the names of the tables with encrypted texts."""
    return {each.rows().model._meta.db_table for each in columns}


def unreadable() -> dict[str, int]:
    """Count the texts that no seed key here decrypts, by what they are. They do not name their key."""
    counts = {each.what: sum(map(_is_unreadable, each.texts())) for each in columns}
    return {what: count for what, count in counts.items() if count}


def renew() -> None:
    """Encrypt everything with the current seed key that is encrypted with another one.

    A text that changes meanwhile stays as it is then.
    """
    if len(settings.SEED_KEYS) == 1:
        return
    for each in columns:
        for row in in_parts(each.rows().order_by("pk")):
            stored = getattr(row, each.column)
            if (renewed := seed_encryption.renewed(stored)) is not None:
                same = {"pk": row.pk, each.column: stored}
                each.rows().filter(**same).update(**{each.column: renewed})


def _is_unreadable(text: str) -> bool:
    return seed_encryption.decrypt(text) is None
