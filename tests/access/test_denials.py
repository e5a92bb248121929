"""What the audit log keeps of a request that a known caller was refused."""

from dataclasses import replace
from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request

from access.exceptions import handle, record_denied
from access.principals import operator
from audit.actors import Origin
from audit.models import Event
from config.wire.errors import DomainError, NotAllowed, NotFound
from tests.conftest import Cast


def answered(error: DomainError, **context: Any) -> int:
    response = handle(error, context)
    assert response is not None
    return response.status_code


def test_a_denial_is_recorded_as_far_as_it_fits(cast: Cast) -> None:
    path, reason, of_acme = (
        "/" + "x" * 300,
        "y" * 600,
        replace(operator("root"), organization_id=cast.acme.pk),
    )
    record_denied(of_acme, Origin.here(), "GET", path, NotAllowed(reason))
    event = Event.objects.latest("sequence")
    assert (event.name, event.actor_kind, event.actor_label) == ("access:denied", "operator", "root")
    assert (event.target_kind, event.target_id, event.organization_id) == ("endpoint", "", cast.acme.pk)
    assert event.target_label == f"GET {path}"[:200]
    assert event.detail == {"code": "not_allowed", "reason": reason[:500]}


def test_a_refusal_is_a_denial_if_its_caller_is_known(db: None) -> None:
    sent = HttpRequest()
    sent.method, sent.path = "PATCH", "/books"
    request: Any = Request(sent)
    assert answered(NotAllowed("no"), request=request) == answered(NotAllowed("no")) == 403
    request.user = operator("root")
    assert answered(NotFound("no"), request=request) == 404
    assert not Event.objects.exists()
    assert answered(NotAllowed("no"), request=request) == 403
    assert Event.objects.values_list("actor_label", "target_label").get() == ("root", "PATCH /books")
