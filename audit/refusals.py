"""Recording refusals without letting whoever is refused fill the log."""

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping

from audit.actors import NOTHING, Actor, Origin, Target
from audit.events import EventName
from audit.log import record

REPEAT_SECONDS = 60.0
REMEMBERED = 10_000

_lock = threading.Lock()
_recorded: OrderedDict[tuple[str, ...], float] = OrderedDict()


def record_refusal(
    name: EventName,
    *,
    actor: Actor,
    origin: Origin,
    target: Target = NOTHING,
    detail: Mapping[str, str],
) -> None:
    """Record a refusal: the same one (who, what, why, from where) once a minute in each process."""
    if _is_new((name, actor.id, target.id, origin.ip, *detail.values()), time.monotonic()):
        record(name, actor=actor, origin=origin, target=target, detail=detail)


def _is_new(refusal: tuple[str, ...], now: float) -> bool:
    with _lock:
        before = _recorded.get(refusal)
        if before is not None and now - before < REPEAT_SECONDS:
            return False
        _recorded[refusal] = now
        _recorded.move_to_end(refusal)
        if len(_recorded) > REMEMBERED:
            _recorded.popitem(last=False)
        return True


def forget() -> None:
    """Record the next refusal whatever came before: for tests."""
    with _lock:
        _recorded.clear()
