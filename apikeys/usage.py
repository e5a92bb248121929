"""Last use of each key: gathered in the process, written once a second, never during a request.

What a killed process can lose is its last second of statistics.
"""

import atexit
import logging
import threading
from dataclasses import dataclass
from datetime import datetime

from django.db import Error, close_old_connections, transaction
from django.db.models import Case, F, Q, Value, When

from apikeys.models import ApiKey
from audit.actors import Origin

FLUSH_SECONDS = 1.0
MOST_KEYS_AT_ONCE = 500
MOST_KEYS_WAITING = 100_000

log = logging.getLogger("keyhouse.usage")


@dataclass(slots=True)
class Use:
    """What happened to one key since the last flush."""

    count: int
    last_at: datetime
    last_ip: str

    def add(self, other: "Use") -> None:
        """Count the other one too; the later of both is the last."""
        self.count += other.count
        self.last_at, self.last_ip = max((self.last_at, self.last_ip), (other.last_at, other.last_ip))


_lock = threading.Lock()  # around what is waiting
_writing = threading.Lock()  # around a flush: the last one lets the one before it end
_waiting: dict[int, Use] = {}
_thread: threading.Thread | None = None


def note(key_id: int, origin: Origin) -> None:
    """Remember one use of the key `key_id`; it is in the database about a second later."""
    with _lock:
        use = _waiting.get(key_id)
        if use is not None:
            use.add(Use(1, origin.at, origin.ip))
        elif len(_waiting) < MOST_KEYS_WAITING:
            _waiting[key_id] = Use(1, origin.at, origin.ip)
    _start_thread()


def flush(*, last: bool = False) -> int:
    """Write what was gathered and return the number of keys written.

    What fails, and keys that somebody has locked, wait for the next time; the `last` time waits for them.
    """
    with _writing:
        taken = _take()
        try:
            return _write_all(taken, skip_locked=not last)
        finally:
            _put_back(taken)


def _take() -> dict[int, Use]:
    with _lock:
        taken = dict(_waiting)
        _waiting.clear()
    return taken


def _write_all(uses: dict[int, Use], *, skip_locked: bool) -> int:
    numbers = sorted(uses)
    starts = range(0, len(numbers), MOST_KEYS_AT_ONCE)
    return sum(_write(numbers[i : i + MOST_KEYS_AT_ONCE], uses, skip_locked=skip_locked) for i in starts)


def _write(numbers: list[int], uses: dict[int, Use], *, skip_locked: bool) -> int:
    """Add the uses of these keys in one UPDATE, and drop from `uses` what is not to be written again."""
    with transaction.atomic():
        rows = ApiKey.objects.filter(pk__in=numbers).order_by("pk")
        rows = rows.select_for_update(skip_locked=skip_locked, of=("self",))
        free = list(rows.values_list("pk", flat=True))
        if free:
            ApiKey.objects.filter(pk__in=free).update(
                use_count=F("use_count") + _case(free, {n: uses[n].count for n in free}, 0),
                last_used_ip=_if_newer("last_used_ip", free, uses, {n: uses[n].last_ip for n in free}),
                last_used_at=_if_newer("last_used_at", free, uses, {n: uses[n].last_at for n in free}),
            )
        locked = set(ApiKey.objects.filter(pk__in=set(numbers) - set(free)).values_list("pk", flat=True))
    for number in set(numbers) - locked:
        del uses[number]
    return len(free)


def _case(numbers: list[int], values: dict[int, int], default: int) -> Case:
    return Case(*(When(pk=n, then=Value(values[n])) for n in numbers), default=Value(default))


def _if_newer(column: str, numbers: list[int], uses: dict[int, Use], values: dict[int, object]) -> Case:
    """The new value where this use is later than the one in the row: time never moves backwards."""
    return Case(
        *(
            When(
                Q(pk=n) & (Q(last_used_at__isnull=True) | Q(last_used_at__lt=uses[n].last_at)),
                then=Value(values[n]),
            )
            for n in numbers
        ),
        default=F(column),
    )


def _put_back(uses: dict[int, Use]) -> None:
    with _lock:
        for number, use in uses.items():
            newer = _waiting.setdefault(number, use)
            if newer is not use:
                newer.add(use)


def _start_thread() -> None:
    """Start this process's flusher; a forked worker starts its own."""
    global _thread
    if _thread is None or not _thread.is_alive():
        with _lock:
            if _thread is None or not _thread.is_alive():
                _thread = threading.Thread(target=_run, name="keyhouse-usage", daemon=True)
                _thread.start()
                atexit.register(_flush_quietly, last=True)


def _run() -> None:
    pause = threading.Event()
    while not pause.wait(FLUSH_SECONDS):
        _flush_quietly()


def _flush_quietly(*, last: bool = False) -> None:
    try:
        flush(last=last)
    except Error as error:
        log.warning("last use of keys not written yet: %s", str(error).partition("\n")[0])
    finally:
        close_old_connections()


def forget() -> None:
    """Drop what was gathered and not yet written: for tests."""
    with _lock:
        _waiting.clear()
