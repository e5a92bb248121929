"""Counts and records refused keys. The audit log has the reason, which the client is not told."""

from access.principals import Principal
from apikeys.models import Outcome
from apikeys.usage import counting
from audit.actors import ANONYMOUS, Origin, Target
from audit.events import EventName
from audit.refusals import record_refusal
from config import metrics

OUTCOMES = {"network": Outcome.NETWORK, "rate limit": Outcome.RATE, "quota": Outcome.RATE}


def record_refused_key(target: Target, reason: str, origin: Origin, *, number: int = 0) -> None:
    """Count and record that a request with the key `target` was refused.

    `number` is the key's primary key, or 0 for an unknown key.
    """
    metrics.REFUSED_KEYS.count(reason)
    counting.record_use(number, origin, OUTCOMES.get(reason, Outcome.ENDED))
    record_refusal(
        EventName.API_KEY_REFUSED, actor=ANONYMOUS, origin=origin, target=target, detail={"reason": reason}
    )


def record_refused_use(principal: Principal, reason: str, origin: Origin) -> None:
    """Count and record the refusal of a valid key, for one of its limits or the client's address.

    Auditors of the organization that owns the key may see the event.
    """
    credential = principal.credential
    owning = principal.organization_id if principal.user_id is None else None
    target = Target("api_key", credential.id, credential.label, owning)
    record_refused_key(target, reason, origin, number=credential.number)
