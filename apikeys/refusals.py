"""Refused keys go to the audit log, with the reason that the client does not learn."""

from accounts.principals import Principal
from audit.actors import ANONYMOUS, Origin, Target
from audit.events import EventName
from audit.refusals import record_refusal


def record_refused_key(target: Target, reason: str, origin: Origin) -> None:
    """Record that somebody came with the key `target` and was not let in."""
    record_refusal(
        EventName.API_KEY_REFUSED, actor=ANONYMOUS, origin=origin, target=target, detail={"reason": reason}
    )


def target_of(principal: Principal) -> Target:
    """The key that `principal` came with; auditors of the organization that owns it may see the event."""
    credential = principal.credential
    owning = principal.organization_id if principal.user_id is None else None
    return Target("api_key", credential.id, credential.label, owning)
