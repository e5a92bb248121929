"""Keys that other systems made: whether a text in some place may be one, and the digests to look it up by.

Which systems keys were imported from is cached, like callers. An import is an event that concerns everybody,
so a process that sees it empties its cache of callers, and the systems are read again with the next text that
may be an imported key. While there is nothing imported, such a text is refused without a query.
"""

from typing import NamedTuple

from django.conf import settings

from access.credentials import ANYWHERE, BASIC_SCHEME, KNOWN_PLACES, Presented, is_foreign_like
from access.principal_cache import Known, memory
from access.remembered import Remembered
from apikeys.at_rest import digests, foreign
from apikeys.models import KeySource
from config.wire.errors import InvalidToken, NotAuthenticated


class Opening(NamedTuple):
    """A kind of imported key that is in use, and where clients send it."""

    kind: str
    place: str
    has_unused: bool

    def takes(self, sent: Presented) -> bool:
        """Whether the text has the form of these keys and came where they come."""
        is_here = sent.place in (self.place, ANYWHERE)
        return is_here and foreign.KINDS[self.kind].shape.fullmatch(sent.secret) is not None


class Openings(NamedTuple):
    """All of them, and the cache of callers for as long as which they count."""

    under: Remembered | None
    all: tuple[Opening, ...]


_cached = Openings(None, ())


def lookups(sent: Presented, *, by_prefix: bool = False) -> list[bytes]:
    """Return the digests under which the key may be stored, with every pepper; none if it cannot be stored.

    With `by_prefix`, also those that other keys share, so that a key found by one must still be checked
    (apikeys/imported/hashes.py). Takes a query only if the systems are not cached. Raises django.db.Error.
    """
    if not _has_the_form(sent):
        return []
    return _digests(sent, [each for each in _openings(memory.known()) if each.takes(sent)], by_prefix)


def may_be_stored(sent: Presented) -> bool | None:
    """Return whether `lookups` finds digests, or None if that takes a query."""
    if not _has_the_form(sent):
        return False
    known = memory.trusted()
    if not settings.EPOCH_LEASE_SECONDS or _cached.under is not known.callers:
        return None
    return any(each.takes(sent) for each in _cached.all)


def refusal(sent: Presented) -> InvalidToken | NotAuthenticated:
    """Return the error for a text that is no key; in a place where no keys come, it is no credential."""
    return InvalidToken() if sent.place in KNOWN_PLACES else NotAuthenticated()


def _has_the_form(sent: Presented) -> bool:
    return sent.place != BASIC_SCHEME and is_foreign_like(sent.secret)


def _openings(known: Known) -> tuple[Opening, ...]:
    global _cached
    if settings.EPOCH_LEASE_SECONDS and _cached.under is known.callers:
        return _cached.all
    rows = KeySource.objects.filter(is_open=True).values_list("kind", "place", "has_unused")
    found = tuple(Opening(*row) for row in rows)
    _cached = Openings(known.callers, found)
    return found


def _digests(sent: Presented, openings: list[Opening], by_prefix: bool) -> list[bytes]:
    if not openings:
        return []
    found = digests.digests(sent.secret)
    for each in openings:
        kind = foreign.KINDS[each.kind]
        if each.has_unused and (by_prefix or not kind.is_slow):
            made = kind.digests(sent.secret, settings.NETBOX_PEPPERS.values())
            peppers = settings.PEPPERS.values()
            found += [foreign.stored(each.kind, one, pepper) for one in made for pepper in peppers]
    return found
