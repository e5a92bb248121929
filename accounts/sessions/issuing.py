"""Recording that tokens were given out, without letting a client that asks for many fill the log."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol, cast

from django.db.models import Model

from audit.actors import Actor, Origin, Target
from audit.events import EventName
from audit.log import record

RECORDED_EVERY = timedelta(minutes=1)


class Issuer(Protocol):
    """The row of a session, or of whatever else leads to tokens, that knows when that was last recorded."""

    pk: Any
    issue_recorded_at: Any


def record_issue(
    name: EventName,
    issuer: Issuer,
    *,
    actor: Actor,
    origin: Origin,
    target: Target,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Record that `issuer` led to new tokens, unless that was recorded less than a minute ago.

    Call it last in the transaction that stores the tokens, with the row as it is and locked: what is not
    recorded takes no lock of the chain.
    """
    last = issuer.issue_recorded_at
    if last is not None and abs(origin.at - last) < RECORDED_EVERY:  # one that began earlier may come later
        return
    rows = cast(type[Model], type(issuer))._default_manager
    rows.filter(pk=issuer.pk).update(issue_recorded_at=origin.at)
    record(name, actor=actor, origin=origin, target=target, detail=detail)
