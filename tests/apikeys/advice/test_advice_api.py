"""The scope advisor at the API: GET api-keys/{id}/advice, POST narrow and widen."""

from typing import Any

import pytest

from access.principals import Caller
from apikeys.advice.services import narrow_api_keys
from apikeys.models import ApiKey, ScopeUse
from audit.models import Event
from config.wire.fields import timestamp
from tests.apikeys.advice.conftest import DAY, NOW, Watched
from tests.conftest import Api, Cast, as_user, assert_problem, make_key, with_key


def path(key: ApiKey, what: str) -> str:
    return f"api-keys/{key.uuid}/{what}"


def advice_at(api: Api, key: ApiKey) -> Any:
    answer = api.get(path(key, "advice"))
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_the_advice_names_what_a_key_does_not_need(cast: Cast, watched: Watched) -> None:
    key = watched("services:read", "keys:read", services_read=1)
    assert advice_at(as_user(cast.alice), key) == {
        "unneeded": ["keys:read"],
        "kept": ["services:read"],
        "days": 90,
        "may_be_widened_until": None,
    }


def test_a_young_key_gets_no_advice(cast: Cast) -> None:
    key = make_key(cast.alice, "services:read").row
    found = advice_at(as_user(cast.alice), key)
    assert (found["unneeded"], found["kept"]) == ([], ["services:read"])


def test_a_key_is_narrowed_and_widened_again_and_says_until_when(cast: Cast, watched: Watched) -> None:
    key, api = watched("services:read", "keys:read", services_read=1), as_user(cast.alice)
    narrowed = api.post(path(key, "narrow"))
    assert (narrowed.status_code, narrowed.json()["scopes"]) == (200, ["services:read"])
    assert narrowed.headers["ETag"] == api.get(f"api-keys/{key.uuid}").headers["ETag"]
    found, row = advice_at(api, key), ApiKey.objects.get(pk=key.pk)
    assert row.narrowed_at is not None
    assert (found["unneeded"], found["may_be_widened_until"]) == ([], timestamp(row.narrowed_at + 7 * DAY))
    widened = api.post(path(key, "widen"))
    assert (widened.status_code, widened.json()["scopes"]) == (200, ["services:read", "keys:read"])
    assert advice_at(api, key)["may_be_widened_until"] is None
    names = list(Event.objects.order_by("-sequence").values_list("name", flat=True)[:2])
    assert names == ["api_key:widened", "api_key:narrowed"]


def test_after_a_week_there_is_nothing_to_give_back(cast: Cast, watched: Watched, operator: Caller) -> None:
    key = watched("services:read", "keys:read", services_read=1)
    narrow_api_keys(caller=operator, selected=[key])
    ApiKey.objects.filter(pk=key.pk).update(narrowed_at=NOW - 7 * DAY)
    api = as_user(cast.alice)
    assert advice_at(api, key)["may_be_widened_until"] is None
    assert_problem(api.post(path(key, "widen")), 409, "conflict", "scopes")


@pytest.mark.parametrize("what", ["narrow", "widen"])
def test_a_change_for_another_version_is_412_and_changes_nothing(
    what: str, cast: Cast, watched: Watched
) -> None:
    key, api = watched("services:read", "keys:read", services_read=1), as_user(cast.alice)
    old = api.get(f"api-keys/{key.uuid}").headers["ETag"]
    api.patch(f"api-keys/{key.uuid}", {"name": "another"})
    assert_problem(api.post(path(key, what), headers={"If-Match": old}), 412)
    assert ApiKey.objects.get(pk=key.pk).scopes == ["services:read", "keys:read"]


@pytest.mark.requirement(123)
def test_keys_of_others_look_nonexistent_and_readers_change_nothing(cast: Cast, watched: Watched) -> None:
    key = watched("services:read", "keys:read", services_read=1)
    for what, method in (("advice", "get"), ("narrow", "post"), ("widen", "post")):
        assert_problem(getattr(as_user(cast.charlie), method)(path(key, what)), 404)
        assert getattr(Api(), method)(path(key, what)).status_code == 401
    auditor = as_user(cast.audrey)
    assert advice_at(auditor, key)["unneeded"] == ["keys:read"]
    for what in ("narrow", "widen"):
        assert auditor.post(path(key, what)).status_code in (403, 404)
    assert ApiKey.objects.get(pk=key.pk).scopes == ["services:read", "keys:read"]


def test_a_key_narrows_others_only_with_the_scope_for_it(cast: Cast, watched: Watched) -> None:
    key = watched("services:read", "keys:read", services_read=1)
    reader = with_key(make_key(cast.alice, "keys:read").text)
    assert advice_at(reader, key)["unneeded"] == ["keys:read"]
    assert_problem(reader.post(path(key, "narrow")), 403)
    writer = with_key(make_key(cast.alice, "keys:write").text)
    assert writer.post(path(key, "narrow")).status_code == 200


def test_advice_costs_one_query_beside_those_of_the_key(
    cast: Cast, watched: Watched, django_assert_num_queries: Any
) -> None:
    key, api = watched("services:read", services_read=1), as_user(cast.alice)
    ScopeUse.objects.create(key=key, scope="keys:read", last_used_at=NOW)
    with django_assert_num_queries(3):
        advice_at(api, key)
