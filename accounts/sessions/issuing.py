"""Recording that tokens were issued, at most once a minute, so that no client can fill the audit log."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol, cast

from django.db.models import Model

from audit.actors import Actor, Origin, Target
from audit.events import EventName
from audit.log import record

RECORDED_EVERY = timedelta(minutes=1)


class Issuer(Protocol):
    """A row that tokens are issued for, such as a session; it knows when that was last recorded."""

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
    """Record that tokens were issued for `issuer`, unless that was recorded less than a minute ago.

    Call it last in the transaction that stores the tokens, with a fresh and locked row. Without an event it
    does not lock the audit log's chain.
    """
    last = issuer.issue_recorded_at
    if last is not None and abs(origin.at - last) < RECORDED_EVERY:  # abs: requests may finish out of order
        return
    rows = cast(type[Model], type(issuer))._default_manager
    rows.filter(pk=issuer.pk).update(issue_recorded_at=origin.at)
    record(name, actor=actor, origin=origin, target=target, detail=detail)
