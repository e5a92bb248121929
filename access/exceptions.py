"""DRF's exception handler: records refusals in the audit log, renders errors as problem documents."""

from typing import Any

from rest_framework.response import Response

from access.principals import Principal
from audit.actors import Origin, Target
from audit.events import EventName
from audit.refusals import record_refusal
from config.wire import problems
from config.wire.errors import NotAllowed


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Record the refusal of a known caller, and return the problem document for `error`."""
    request = context.get("request")
    if isinstance(error, NotAllowed) and request is not None and isinstance(request.user, Principal):
        record_denied(request.user, Origin.of(request._request), request.method, request.path, error)
    return problems.handle(error, context)


def record_denied(principal: Principal, origin: Origin, method: str, path: str, error: NotAllowed) -> None:
    """Record that a known caller was refused `method` at `path`."""
    target = Target("endpoint", "", f"{method} {path}"[:200], principal.organization_id)
    detail = {"code": error.code, "reason": error.detail[:500]}
    record_refusal(
        EventName.ACCESS_DENIED, actor=principal.actor, origin=origin, target=target, detail=detail
    )
