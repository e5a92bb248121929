"""Checks that were allowed before, byte for byte: proxies ask most of them again and again.

What such a check asks, and whose credential it has, cannot change, so it is not read again. Only what the
caller may do can change. Then the cache of callers drops or replaces the caller, and the answer is not used.
"""

import threading
import time
from datetime import UTC, datetime
from typing import NamedTuple

from access.principal_cache import Cached, memory
from apikeys.usage import counting
from audit.actors import Origin
from config import metrics, profiles
from config.profiles import Profile
from config.server.answers import Answer, Lines, WrittenAnswer
from config.telemetry import access_log
from config.wire.http.heads import REQUEST_ID, ROUTE, PlainHead
from config.wire.http.middleware import new_request_id
from gateway.decision import Decision

MOST_REPEATED = 20_000  # a KiB each


class Allowed(NamedTuple):
    """A check that was allowed, and the head of its answer. `caller` is None where anybody may pass.

    `sent_request_id` is "" if the client sent no id that is used: what it sends must not take memory here.
    """

    profile: Profile
    caller: Cached | None
    decision: Decision
    ip: str
    sent_request_id: str
    route: str
    head: bytes


_allowed: dict[bytes, Allowed] = {}  # by the fingerprint of the bytes; readers need no lock
_lock = threading.Lock()


def keep(head: PlainHead, origin: Origin, caller: Cached | None, decision: Decision, lines: Lines) -> None:
    """Keep the answer to an allowed check, unless it could not be used.

    It could not if the cache does not hold the caller, or if nobody has taken the fingerprint of its bytes.
    """
    if not head.fingerprint or (caller is not None and not memory.still_holds(caller, origin.at)):
        return
    answer, sent_id = WrittenAnswer.of(Answer(200, lines)), head.META.get("HTTP_X_REQUEST_ID", "")
    own_id = sent_id if sent_id == head.META[REQUEST_ID] else ""
    route = head.META[ROUTE]
    allowed = Allowed(profiles.active(), caller, decision, origin.ip, own_id, route, answer.head)
    with _lock:
        if len(_allowed) >= MOST_REPEATED:
            del _allowed[next(iter(_allowed))]
        _allowed[head.fingerprint] = allowed


def answer_again(fingerprint: bytes) -> WrittenAnswer | None:
    """Answer a check with the bytes of an earlier one as then, and count it; or return None."""
    kept = _allowed.get(fingerprint)
    if kept is None or kept.profile is not profiles.active():
        return None
    now, began = datetime.now(UTC), time.monotonic()
    if kept.caller is not None and not memory.still_holds(kept.caller, now):
        return None
    request_id = new_request_id(kept.sent_request_id)
    origin = Origin(kept.ip, request_id, now)
    counting.record_use(kept.decision.key, origin, scopes=kept.decision.scopes)
    metrics.CHECKS.count("200")
    if access_log.is_on():
        access_log.record(
            began=began,
            status=200,
            method="GET",
            route=kept.route,
            credential=str(kept.caller.principal.credential) if kept.caller else "",
            address=kept.ip,
            request_id=request_id,
        )
    return WrittenAnswer(b"%bX-Request-ID: %b\r\n" % (kept.head, request_id.encode()))


def forget() -> None:
    """Drop all answers, for tests."""
    _allowed.clear()
