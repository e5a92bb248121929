"""Refused keys are counted, and go to the audit log with the reason that the client does not learn."""

from access.principals import Principal
from apikeys.models import Outcome
from apikeys.usage import counting
from audit.actors import ANONYMOUS, Origin, Target
from audit.events import EventName
from audit.refusals import record_refusal
from config import metrics

OUTCOMES = {"network": Outcome.NETWORK, "rate limit": Outcome.RATE}


def record_refused_key(target: Target, reason: str, origin: Origin, *, number: int = 0) -> None:
    """Count and record that somebody came with the key `target` and was not let in.

    `number` is that of its row, 0 if there is no such key.
    """
    metrics.REFUSED_KEYS.count(reason)
    counting.record_use(number, origin, OUTCOMES.get(reason, Outcome.ENDED))
    record_refusal(
        EventName.API_KEY_REFUSED, actor=ANONYMOUS, origin=origin, target=target, detail={"reason": reason}
    )


def record_refused_use(principal: Principal, reason: str, origin: Origin) -> None:
    """The same of a good key that may not be used now, or from there.

    Auditors of the organization that owns it may see the event.
    """
    credential = principal.credential
    owning = principal.organization_id if principal.user_id is None else None
    target = Target("api_key", credential.id, credential.label, owning)
    record_refused_key(target, reason, origin, number=credential.number)
