"""Checks that were answered before, byte for byte: proxies ask most of them again and again.

What such a check asks, and whose credential it has, cannot change, so it is not read again. Only what the
caller may do can change. Then the cache of callers drops or replaces the caller, and the answer is not used.
A refusal is kept if only the profile and the bytes have decided it, and if it is not recorded: nothing is
known of a key with a wrong checksum.
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
from config.server.answers import Answer, WrittenAnswer
from config.telemetry import access_log
from config.wire.http.heads import REQUEST_ID, ROUTE, PlainHead
from config.wire.http.middleware import new_request_id
from gateway.decision import Decision

MOST_REPEATED = 20_000  # a KiB each
MOST_REFUSED = 4_000  # apart, so that refused checks crowd out no allowed ones


class Answered(NamedTuple):
    """A check that was answered, and its answer. `caller` is None where anybody may pass, or nobody.

    `sent_request_id` is "" if the client sent no id that is used: what it sends must not take memory here.
    """

    profile: Profile
    caller: Cached | None
    decision: Decision
    ip: str
    sent_request_id: str
    route: str
    status: int
    answer: WrittenAnswer

    @classmethod
    def of(
        cls, head: PlainHead, origin: Origin, caller: Cached | None, decision: Decision, answer: Answer
    ) -> "Answered":
        """Return the answer to a check, which has no request id yet."""
        sent_id, route = head.META.get("HTTP_X_REQUEST_ID", ""), head.META.get(ROUTE, "")
        own_id = sent_id if sent_id == head.META[REQUEST_ID] else ""
        written, profile = WrittenAnswer.of(answer), profiles.active()
        return cls(profile, caller, decision, origin.ip, own_id, route, answer.status, written)


_allowed: dict[bytes, Answered] = {}  # by the fingerprint of the bytes; readers need no lock
_refused: dict[bytes, Answered] = {}
_lock = threading.Lock()


def keep(head: PlainHead, origin: Origin, caller: Cached | None, decision: Decision, answer: Answer) -> None:
    """Keep the answer to an allowed check, unless it could not be used.

    It could not if the cache does not hold the caller, or if nobody has taken the fingerprint of its bytes.
    """
    if head.fingerprint and (caller is None or memory.still_holds(caller, origin.at)):
        _put(_allowed, MOST_REPEATED, head, Answered.of(head, origin, caller, decision, answer))


def keep_refusal(head: PlainHead, answer: Answer) -> None:
    """Keep a refusal that these bytes get as long as the profile is the same."""
    if head.fingerprint:
        _put(_refused, MOST_REFUSED, head, Answered.of(head, Origin.of(head), None, Decision(None), answer))


def _put(kept: dict[bytes, Answered], most: int, head: PlainHead, answered: Answered) -> None:
    with _lock:
        if len(kept) >= most:
            del kept[next(iter(kept))]
        kept[head.fingerprint] = answered


def answer_again(fingerprint: bytes) -> WrittenAnswer | None:
    """Answer a check with the bytes of an earlier one as then, and count it; or return None."""
    kept = _allowed.get(fingerprint) or _refused.get(fingerprint)
    if kept is None or kept.profile is not profiles.active():
        return None
    now, began = datetime.now(UTC), time.monotonic()
    if kept.caller is not None and not memory.still_holds(kept.caller, now):
        return None
    request_id = new_request_id(kept.sent_request_id)
    origin = Origin(kept.ip, request_id, now)
    counting.record_use(kept.decision.key, origin, scopes=kept.decision.scopes)
    metrics.CHECKS.count(str(kept.status))
    if access_log.is_on():
        access_log.record(
            began=began,
            status=kept.status,
            method="GET",
            route=kept.route,
            credential=str(kept.caller.principal.credential) if kept.caller else "",
            address=kept.ip,
            request_id=request_id,
        )
    head = b"%bX-Request-ID: %b\r\n" % (kept.answer.head, request_id.encode())
    return WrittenAnswer(head, kept.answer.body)


def forget() -> None:
    """Drop all answers, for tests."""
    _allowed.clear()
    _refused.clear()
