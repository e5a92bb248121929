"""Keyhouse stores when a key last used each of its scopes."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import override_settings
from django.utils import timezone

from apikeys.models import Outcome, ScopeUse
from apikeys.services.api_keys import NewKey
from apikeys.usage import counting
from audit.actors import Origin
from tests.apikeys.test_has_scope import urlpatterns
from tests.conftest import Cast, make_key, with_key

__all__ = ["urlpatterns"]

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def key(cast: Cast) -> NewKey:
    return make_key(cast.alice, "services:write", "keys:write")


def note(key: NewKey, moment: datetime, *scopes: str) -> None:
    counting.record_use(key.row.pk, Origin("", "", moment), scopes=scopes)


def used(key: NewKey) -> dict[str, datetime]:
    counting.flush()
    return dict(ScopeUse.objects.filter(key=key.row).values_list("scope", "last_used_at"))


def gateway(key: NewKey, method: str) -> int:
    original = {"X-Original-Method": method, "X-Original-URI": "/services/stock"}
    status: int = with_key(key).get("/gateway/check", headers=original).status_code
    return status


def test_the_gateway_knows_it_from_the_row_of_its_table(key: NewKey) -> None:
    before = timezone.now()
    assert gateway(key, "GET") == 200
    assert list(used(key)) == ["services:read"]
    assert gateway(key, "POST") == 200
    found = used(key)
    assert set(found) == {"services:read", "services:write"}
    assert before <= found["services:read"] <= found["services:write"] <= timezone.now()


def test_our_own_endpoints_know_it_from_what_they_need(key: NewKey) -> None:
    assert with_key(key).get("api-keys").status_code == 200
    assert list(used(key)) == ["keys:read"]
    assert with_key(key).delete(f"api-keys/{key.row.uuid}").status_code == 204
    assert set(used(key)) == {"keys:read", "keys:write"}
    assert with_key(make_key(key.row.owner)).get("auth/me").status_code == 200
    counting.flush()
    assert ScopeUse.objects.count() == 2  # that request needs no scope


@override_settings(ROOT_URLCONF=__name__)
def test_other_views_know_it_from_has_scope(key: NewKey) -> None:
    assert with_key(key).get("/stock").status_code == 200
    assert list(used(key)) == ["services:read"]
    assert with_key(key).post("/stock-by-method").status_code == 201
    assert set(used(key)) == {"services:read", "services:write"}


def test_a_request_that_is_refused_uses_no_scope(cast: Cast) -> None:
    key = make_key(cast.bob, "services:read", "keys:write")
    other = make_key(cast.acme)
    assert gateway(key, "POST") == 403
    assert with_key(key).delete(f"api-keys/{other.row.uuid}").status_code == 403
    assert used(key) == {}


def test_time_never_moves_backwards(key: NewKey) -> None:
    note(key, NOON, "services:read")
    note(key, NOON - timedelta(hours=1), "services:read")
    assert used(key) == {"services:read": NOON}
    note(key, NOON - timedelta(minutes=1), "services:read", "services:write")
    assert used(key) == {"services:read": NOON, "services:write": NOON - timedelta(minutes=1)}


def test_uses_of_different_scopes_are_uses_of_one_key(key: NewKey) -> None:
    for scope in ("a", "b", "a"):
        note(key, NOON, scope)
    assert set(used(key)) == {"a", "b"}
    assert list(key.row.uses.values_list("outcome", "count")) == [(Outcome.ALLOWED, 3)]
    key.row.refresh_from_db()
    assert key.row.use_count == 3


def test_memory_has_a_bound_for_scopes_too(key: NewKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_WAITING", 2)
    for scope in ("a", "b", "c"):
        note(key, NOON, scope)
    assert set(used(key)) == {"a", "b"}
