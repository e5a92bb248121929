"""The walks along keys that find those of which owners are to be told."""

import resource
import statistics
import time
from collections.abc import Callable, Iterator

from django.db.models import Max

from apikeys.models import ApiKey
from apikeys.notices.expiring import tell_expiring
from apikeys.notices.models import KeyWalk
from apikeys.notices.unused import WALK, tell_unused
from apikeys.notices.walks import BATCH
from apikeys.notices.writing import Told
from audit.actors import Origin
from bench.commands.notices import Cost

Kind = Callable[[Origin], list[Told] | None]


def measure(turns: int) -> Cost:
    """Walk along the keys that expire, and along the first and the last of all keys."""
    expiring = [milliseconds for milliseconds, told in _batches(tell_expiring, 2**63) if told]
    looks = [_timed(tell_expiring)[0] for _ in range(turns)]
    first = [milliseconds for milliseconds, _ in _batches(tell_unused, turns)]
    last_id = ApiKey.objects.aggregate(last=Max("pk"))["last"]
    KeyWalk.objects.filter(name=WALK).update(reached_id=max(last_id - BATCH * turns, 0))
    last = [milliseconds for milliseconds, _ in _batches(tell_unused, turns)]
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    look, batch, of_first, of_last = map(statistics.median, (looks, expiring, first, last))
    return Cost(look, batch, of_first, of_last, most)


def _batches(kind: Kind, most: int) -> Iterator[tuple[float, list[Told]]]:
    """Yield how long each batch took and what was told, until none is left, and at most so many."""
    for _ in range(most):
        milliseconds, told = _timed(kind)
        if told is None:
            return
        yield milliseconds, told


def _timed(kind: Kind) -> tuple[float, list[Told] | None]:
    start = time.perf_counter()
    told = kind(Origin.here())
    return (time.perf_counter() - start) * 1000, told
