"""Records refusals, but not so many that a refused client could fill the log."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import connection, transaction
from psycopg.errors import LockNotAvailable

from audit.actors import NOTHING, Actor, Origin, Target
from audit.events import EventName
from audit.log import record
from config.wire.http.client_ip import network_of

REPEAT_SECONDS = 60.0
MOST_EACH = 60  # events a minute that one source can cause, however it varies its requests
REMEMBERED = 10_000
LOCK_MS = 500

log = logging.getLogger("keyhouse.audit")


@dataclass(slots=True)
class Window:
    """The refusals of one source that were recorded since `began` (monotonic seconds)."""

    began: float
    refusals: set[tuple[str, ...]] = field(default_factory=set)


_lock = threading.Lock()
_recorded: OrderedDict[tuple[str, ...], Window] = OrderedDict()


def record_refusal(
    name: EventName,
    *,
    actor: Actor,
    origin: Origin,
    target: Target = NOTHING,
    detail: Mapping[str, str],
    each_target: bool = True,
) -> None:
    """Record a refusal: the same one once a minute in each process, and at most MOST_EACH of one source.

    A source is an event name, an actor and a network (a /64 for IPv6). Refusals of a source differ by
    their detail and, if `each_target`, by their target. If other transactions hold the end of the chain,
    the refusal goes to the server's log instead, so that refused clients do not wait.
    """
    source = (name, actor.id, network_of(origin.ip))
    told_apart = (target.id, target.label) if each_target else ()
    refusal = (*told_apart, *detail.values())
    if not _is_new(source, refusal, time.monotonic()):
        return
    alone = not connection.in_atomic_block
    try:
        with transaction.atomic():
            if alone and connection.vendor == "postgresql":
                _wait_briefly()
            record(name, actor=actor, origin=origin, target=target, detail=detail)
    except BaseException as error:
        _forget_one(source, refusal)
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        log.warning("a refusal was not recorded, because the audit log is busy: %s", name.value)


def _wait_briefly() -> None:
    """Limit waits for locks to LOCK_MS until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = {LOCK_MS}")


def _is_new(source: tuple[str, ...], refusal: tuple[str, ...], now: float) -> bool:
    with _lock:
        _drop_ended(now)
        window = _recorded.setdefault(source, Window(now))
        if len(_recorded) > REMEMBERED:
            _recorded.popitem(last=False)
        if refusal in window.refusals or len(window.refusals) >= MOST_EACH:
            return False
        window.refusals.add(refusal)
        return True


def _drop_ended(now: float) -> None:
    """Drop ended windows. They are in the order of their beginnings, so ended ones come first."""
    while _recorded and now - next(iter(_recorded.values())).began >= REPEAT_SECONDS:
        _recorded.popitem(last=False)


def _forget_one(source: tuple[str, ...], refusal: tuple[str, ...]) -> None:
    """Forget a refusal that could not be recorded, so that the next one is."""
    with _lock:
        if source in _recorded:
            _recorded[source].refusals.discard(refusal)


def forget() -> None:
    """Forget all refusals, so that tests see the next one recorded."""
    with _lock:
        _recorded.clear()
