"""Looks for what owners are to be told: in the background of servers, and once by a command."""

import time
from collections.abc import Callable, Iterator

from django.db import transaction

from apikeys.notices.expiring import tell_expiring
from apikeys.notices.networks import tell_new_networks
from apikeys.notices.unused import tell_unused
from apikeys.notices.writing import Told, release
from audit.actors import Origin

LOOK_SECONDS = 60.0  # how often a process looks for something new
MOST_BATCHES = 4  # of each kind at once: the same thread sends mail

Kind = Callable[[Origin], list[Told] | None]
KINDS: tuple[Kind, ...] = (tell_expiring, tell_unused, tell_new_networks)

_looked_at = -LOOK_SECONDS


def tell_due() -> None:
    """Write some of what is due, if this process has not looked for a minute, or has not come to the end."""
    global _looked_at
    if time.monotonic() - _looked_at < LOOK_SECONDS:
        return
    if all(_is_done(kind) for kind in KINDS):
        _looked_at = time.monotonic()


def _is_done(kind: Kind) -> bool:
    """Write some batches of a kind; return whether none is left."""
    return any(kind(_origin()) is None for _ in range(MOST_BATCHES))


def tell_all() -> Iterator[Told]:
    """Write everything that is due, and let the mails leave at once."""
    for kind in KINDS:
        while (told := kind(_origin())) is not None:
            yield from told
    release()


def preview() -> list[Told]:
    """Return what the next batch of each kind would tell, and change nothing."""
    with transaction.atomic():
        found = [each for kind in KINDS for each in kind(_origin()) or []]
        transaction.set_rollback(True)
    return found


def _origin() -> Origin:
    return Origin("", "", Origin.here().at)
