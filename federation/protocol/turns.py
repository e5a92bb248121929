"""Which requests to providers this process sends at a time: slow ones hold only some of its threads."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.utils.translation import gettext_noop

from config.wire.errors import Busy
from federation.protocol.remembered import Memory

MOST_AT_ONCE = 2  # issuers; slow ones have one of these places together
MOST_WAITING = 2  # requests that wait for their turn, whatever their issuers
WAITS_SECONDS = 1.0  # for another request to end
SLOW_SECONDS = 2.5  # of a request after which its issuer is slow; one without an answer is slow, too
SLOW_FOR_SECONDS = 60.0  # unless it answers faster meanwhile
BUSY = gettext_noop("Too many logins with identity providers are under way. Try again.")

slow: Memory[bool] = Memory()  # by issuer
_turn = threading.Condition()
_asked: dict[str, float] = {}  # issuers that are being asked, and since when
_waiting: set[object] = set()


@contextmanager
def turn_of(issuer: str) -> Iterator[None]:
    """Hold the one request that this process may send to an issuer at a time. Raises Busy.

    A request waits for WAITS_SECONDS at most, behind few others, and never for a slow issuer.
    """
    with _turn:
        if not (_is_free(issuer) or _wait_for(issuer)):
            raise Busy(BUSY, 1)
        began_at = _asked[issuer] = time.monotonic()
    is_slow = True
    try:
        yield
        is_slow = time.monotonic() - began_at > SLOW_SECONDS
    finally:
        slow.keep(issuer, is_slow)
        with _turn:
            del _asked[issuer]
            _turn.notify_all()


def _wait_for(issuer: str) -> bool:
    """Wait for the turn of an issuer, unless it is slow or too many wait already. Return whether it came."""
    if _is_slow(issuer) or len(_waiting) >= MOST_WAITING:
        return False
    _waiting.add(here := object())
    try:
        return _turn.wait_for(lambda: _is_free(issuer), timeout=WAITS_SECONDS)
    finally:
        _waiting.remove(here)


def _is_free(issuer: str) -> bool:
    has_place = issuer not in _asked and len(_asked) < MOST_AT_ONCE
    return has_place and not (_is_slow(issuer) and any(map(_is_slow, _asked)))


def _is_slow(issuer: str) -> bool:
    is_being_slow = issuer in _asked and time.monotonic() - _asked[issuer] > SLOW_SECONDS
    return is_being_slow or bool(slow.find(issuer, SLOW_FOR_SECONDS))
