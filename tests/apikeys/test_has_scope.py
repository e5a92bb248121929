"""HasScope on a view of another project, as docs/how-to/django-view.md shows it."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView

from apikeys.permissions import HasScope, required_scopes
from audit.models import Event
from tests.conftest import Cast, as_user, assert_problem, make_key, with_key


class StockView(APIView):
    permission_classes = (HasScope,)
    required_scopes: Any = ("services:read",)

    def get(self, request: Any) -> Response:
        return Response({"caller": request.user.subject, "key": request.auth.id})


class StockByMethodView(StockView):
    required_scopes = {"GET": ["services:read"], "POST": ["services:read", "services:write"]}

    def post(self, request: Any) -> Response:
        return Response(status=201)

    def delete(self, request: Any) -> Response:
        return Response(status=204)


urlpatterns = [
    path("stock", StockView.as_view()),
    path("stock-by-method", StockByMethodView.as_view()),
]
ours = override_settings(ROOT_URLCONF=__name__)


@ours
def test_a_view_lets_in_a_key_with_its_scope_and_knows_who_that_is(cast: Cast) -> None:
    key = make_key(cast.acme, "services:read")
    answer = with_key(key).get("/stock")
    assert answer.json() == {"caller": str(cast.acme.uuid), "key": str(key.row.uuid)}


@ours
def test_a_view_lets_in_a_key_with_a_scope_that_implies_its_own(cast: Cast) -> None:
    assert with_key(make_key(cast.bob, "services:write")).get("/stock").status_code == 200


@ours
def test_a_view_refuses_a_key_without_its_scope_and_says_which(cast: Cast) -> None:
    answer = with_key(make_key(cast.alice, "keys:read")).get("/stock")
    assert_problem(answer, 403, "insufficient_scope")
    assert 'error="insufficient_scope", scope="services:read"' in answer.headers["WWW-Authenticate"]
    assert Event.objects.get(name="access:denied").target_label == "GET /stock"


@ours
def test_a_view_refuses_callers_without_a_credential_and_lets_in_people_with_the_scope(cast: Cast) -> None:
    from tests.conftest import Api

    assert_problem(Api().get("/stock"), 401, "not_authenticated")
    with override_settings(ROOT_URLCONF="config.urls"):
        mallory = as_user(cast.mallory)
    assert mallory.get("/stock").json()["caller"] == str(cast.mallory.uuid)


@ours
@pytest.mark.parametrize(
    ("scope", "statuses"), [("services:read", (200, 200, 403, 403)), ("services:write", (200, 200, 201, 403))]
)
def test_each_method_can_need_its_own_scopes_and_one_without_is_refused(
    cast: Cast, scope: str, statuses: tuple[int, ...]
) -> None:
    client = with_key(make_key(cast.bob, scope)).client
    methods = ("GET", "HEAD", "POST", "DELETE")
    assert tuple(client.generic(method, "/stock-by-method").status_code for method in methods) == statuses


MISDECLARED: list[tuple[Any, str]] = [
    (None, "declares no required_scopes"),
    ((), "declares no required_scopes"),
    ({}, "declares no required_scopes"),
    ("services:read", "is a string; write a list"),
    ({"GET": "services:read"}, "is a string; write a list"),
    (["services:raed"], "requires the unknown scope services:raed"),
    ({"GET": ["services:read", "fly"]}, "requires the unknown scope fly"),
]


@pytest.mark.parametrize(("declared", "reason"), MISDECLARED)
def test_a_view_that_declares_its_scopes_wrongly_is_misconfigured_not_open(
    declared: Any, reason: str
) -> None:
    view = StockView()
    view.required_scopes = declared
    with pytest.raises(ImproperlyConfigured, match=f"StockView.*{reason}"):
        required_scopes(view, "GET")


@ours
def test_a_misdeclared_view_is_a_500_for_everybody(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    program = with_key(make_key(cast.ada, "services:write", "keys:write"))
    for declared, _ in MISDECLARED:
        monkeypatch.setattr(StockView, "required_scopes", declared)
        assert program.get("/stock").status_code == 500
