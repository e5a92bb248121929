"""How our own server has a check answered: from memory, together with other checks, or alone in a thread.

Each way uses the functions of gateway/check.py, and gives the answer that `check` there gives.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from access.credentials import Presented, is_key_like
from access.principal_cache import Cached
from accounts.sessions.authentication import remembered_access_token
from apikeys.authentication import Sought, may_come_from, read_keys, remembered_key
from apikeys.usage import counting, spending
from audit.actors import Origin
from config import metrics
from config.database.threads import renew_connection
from config.server import observed
from config.server.answers import Answer, Unread, of_response
from config.wire.errors import DomainError
from config.wire.http.heads import CREDENTIAL, REQUEST_ID, Head, PlainHead
from config.wire.http.middleware import secure
from config.wire.problems import DATABASE_ERRORS, unavailable
from gateway import repeated
from gateway.check import METHODS, PATH, Question, ask, check, is_check, refusal_of
from gateway.decision import decide
from gateway.identity import identity_lines
from oauth.authentication import is_oauth2_like, remembered_oauth2


@dataclass(frozen=True, slots=True)
class UnreadKey(Unread):
    """A check with a well-formed key that is not cached."""

    head: PlainHead
    question: Question
    origin: Origin
    key: Sought


def check_from_memory(head: PlainHead) -> Answer | UnreadKey | None:
    """Return the answer if it needs no database and records nothing.

    Else return what `check_together` may answer, or None, also for other paths. Then nothing has been
    counted yet.
    """
    if not _is_answered_here(head):
        return None
    try:
        question, origin = ask(head), Origin.of(head)
    except DomainError as error:
        return _refused(error, head, is_fixed=True)
    try:
        found = _remembered(question.sent, origin) if question.sent else None
    except DomainError as error:
        return _refused(error, head, is_fixed=question.sent is not None and is_key_like(question.sent.secret))
    if isinstance(found, Sought):
        return UnreadKey(head, question, origin, found)
    if question.sent and found is None:
        return None
    return _answer_known(head, question, origin, found)


def check_together(checks: Sequence[UnreadKey]) -> list[Answer | None]:
    """Answer checks whose callers one query reads; None for each that needs the database again."""
    renew_connection()
    try:
        with observed.together(check.head for check in checks):
            callers = read_keys({check.key for check in checks}, datetime.now(UTC))
    except DATABASE_ERRORS as error:
        failed = of_response(secure(unavailable(error)))
        return [_answered(failed, check.head) for check in checks]
    except Exception:  # one row cannot be read: alone in its thread, its check fails and no other does
        return [None] * len(checks)
    return [_answer_read(check, callers.get(check.key)) for check in checks]


def check_in_thread(head: PlainHead) -> Answer | None:
    """Return the answer, without the request and the middleware of Django; None for other paths."""
    if not _is_answered_here(head):
        return None
    renew_connection()
    try:
        response = check(head)
    except DATABASE_ERRORS as error:
        response = unavailable(error)
    return _answered(of_response(secure(response)), head)


def _is_answered_here(head: Head) -> bool:
    return is_check(head.path_info) and (head.path_info != PATH or head.method in METHODS)


def _remembered(sent: Presented, origin: Origin) -> Cached | Sought | None:
    """Return the cached owner, or what only the database knows: a key, or None for another credential.

    Raises InvalidToken for a malformed key.
    """
    if sent.is_key:
        return remembered_key(sent, origin.at)
    if is_oauth2_like(sent.secret):
        return remembered_oauth2(sent.secret, origin)
    return remembered_access_token(sent.secret, origin)


def _answer_read(check: UnreadKey, caller: Cached | None) -> Answer | None:
    if caller is None:
        return None
    return _answer_known(check.head, check.question, check.origin, caller)


def _answer_known(
    head: PlainHead, question: Question, origin: Origin, caller: Cached | None
) -> Answer | None:
    """Return the answer to a known caller, or to anybody if `caller` is None; None if it is recorded.

    An answer that stays the same as long as its caller does is kept for checks that have the same bytes.
    """
    if caller is not None and not may_come_from(caller.principal, origin.ip):
        return None
    principal = caller.principal if caller else None
    head.META[CREDENTIAL] = principal.credential if principal else ""
    decision = decide(question.asked, principal, question.organization)
    if decision.refusal is not None:
        return None
    left = spending.spend_from_memory(principal, origin) if principal else spending.NO_HEADERS
    if left is None:
        return None
    counting.record_use(decision.key, origin, scopes=decision.scopes)
    answer = Answer(200, identity_lines(decision.principal, left))
    if not left:
        repeated.keep(head, origin, caller, decision, answer)
    return _answered(answer, head)


def _refused(error: DomainError, head: PlainHead, *, is_fixed: bool) -> Answer:
    """Return the answer to a refusal. It `is_fixed` if the profile and the head alone have decided it."""
    answer = of_response(secure(refusal_of(error, head)))
    if is_fixed:
        repeated.keep_refusal(head, answer)
    return _answered(answer, head)


def _answered(answer: Answer, head: Head) -> Answer:
    metrics.CHECKS.count(str(answer.status))
    return answer._replace(lines=[*answer.lines, (b"X-Request-ID", head.META[REQUEST_ID].encode())])
