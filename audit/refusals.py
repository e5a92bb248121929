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
    refusal = (name, actor.id, target.id, origin.ip, *detail.values())
    if not _is_new(refusal, time.monotonic()):
        return
    try:
        record(name, actor=actor, origin=origin, target=target, detail=detail)
    except BaseException:
        _forget_one(refusal)
        raise


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


def _forget_one(refusal: tuple[str, ...]) -> None:
    """It could not be recorded: the next time counts."""
    with _lock:
        _recorded.pop(refusal, None)


def forget() -> None:
    """Record the next refusal whatever came before: for tests."""
    with _lock:
        _recorded.clear()
