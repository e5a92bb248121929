"""A key can give up the scopes that it has not needed in 90 days, and get them back for a week."""

from collections.abc import Callable

import pytest

from access.principals import Caller
from apikeys.advice.services import narrow_api_keys, widen_api_keys
from apikeys.advice.unneeded import Advice, advice_for
from apikeys.models import ApiKey, ScopeUse
from apikeys.services.api_keys import NewKey
from apikeys.services.revocation import revoke_api_keys
from audit.events import EventName
from audit.models import Event
from config.wire.errors import Conflict, NotAllowed, NotFound
from tests.accounts.helpers import caller_as, serving
from tests.apikeys.advice.conftest import DAY, NOW, Watched
from tests.commands.helpers import output_of, run
from tests.conftest import Cast, assert_problem, make_key, with_key
from tests.console.helpers import console_of


def scopes(key: ApiKey) -> list[str]:
    found: list[str] = ApiKey.objects.get(pk=key.pk).scopes
    return found


def test_a_key_could_do_without_what_it_has_not_needed_in_ninety_days(watched: Watched) -> None:
    key = watched("services:write", "keys:read", services_write=89, keys_read=91)
    assert advice_for(key, NOW) == Advice(["keys:read"], ["services:write"])


def test_a_scope_that_was_needed_through_another_takes_its_place(watched: Watched) -> None:
    key = watched("services:write", services_read=1)
    assert advice_for(key, NOW) == Advice(["services:write"], ["services:read"])


def test_a_scope_that_comes_with_a_needed_one_is_not_added(watched: Watched) -> None:
    key = watched("services:write", "keys:write", services_write=1, services_read=1)
    assert advice_for(key, NOW) == Advice(["keys:write"], ["services:write"])


def test_a_key_that_needs_all_its_scopes_gets_no_advice(watched: Watched) -> None:
    assert advice_for(watched("services:read", "keys:read", services_read=1, keys_read=1), NOW) is None


def test_use_of_a_scope_that_the_key_never_had_adds_nothing(watched: Watched) -> None:
    key = watched("services:read", "keys:read", services_read=1, users_write=1)
    assert advice_for(key, NOW) == Advice(["keys:read"], ["services:read"])


def test_nobody_knows_what_a_young_or_an_unused_key_needs(watched: Watched) -> None:
    key = watched("services:read")
    assert advice_for(key, NOW) is not None
    for columns in (
        {"created_at": NOW - 89 * DAY},
        {"scope_uses_since": NOW - 89 * DAY},
        {"last_used_at": None},
        {"last_used_at": NOW - 91 * DAY},
    ):
        changed = ApiKey.objects.get(pk=key.pk)
        for name, value in columns.items():
            setattr(changed, name, value)
        assert advice_for(changed, NOW) is None, columns


def test_where_a_key_needs_a_scope_the_last_one_stays(watched: Watched) -> None:
    key = watched("services:read")
    with serving("keys", scopes_required=True):
        assert advice_for(key, NOW) is None


@pytest.mark.requirement(123)
def test_a_narrowed_key_is_refused_what_it_gave_up_and_gets_it_back(cast: Cast, operator: Caller) -> None:
    key: NewKey = make_key(cast.alice, "keys:read", "services:read")
    ApiKey.objects.update(created_at=NOW - 100 * DAY, last_used_at=NOW)
    ScopeUse.objects.create(key=key.row, scope="services:read", last_used_at=NOW)
    assert with_key(key).get("api-keys").status_code == 200
    assert narrow_api_keys(caller=operator, selected=[key.row]) == 1
    assert_problem(with_key(key).get("api-keys"), 403, "insufficient_scope")
    assert narrow_api_keys(caller=operator, selected=[key.row]) == 0
    assert widen_api_keys(caller=operator, selected=[key.row]) == 1
    assert with_key(key).get("api-keys").status_code == 200
    assert widen_api_keys(caller=operator, selected=[key.row]) == 0
    both = ["keys:read", "services:read"]
    narrowed = Event.objects.get(name=EventName.API_KEY_NARROWED)
    widened = Event.objects.get(name=EventName.API_KEY_WIDENED)
    assert narrowed.detail == {"from": both, "to": ["services:read"]}
    assert widened.detail == {"from": ["services:read"], "to": both}


@pytest.mark.requirement(123)
def test_after_a_week_or_its_end_a_key_is_not_widened(watched: Watched, operator: Caller) -> None:
    key = watched("services:read", "keys:read", services_read=1)
    narrow_api_keys(caller=operator, selected=[key])
    ApiKey.objects.update(narrowed_at=NOW - 7 * DAY)
    with pytest.raises(Conflict, match="more than 7 days ago"):
        widen_api_keys(caller=operator, selected=[key])
    ApiKey.objects.update(narrowed_at=NOW)
    revoke_api_keys(caller=operator, selected=[key])
    for service in (narrow_api_keys, widen_api_keys):
        with pytest.raises(Conflict, match="revoked for good"):
            service(caller=operator, selected=[key])
    assert scopes(key) == ["services:read"]


def test_a_key_that_is_narrowed_twice_gets_back_what_it_had_first(watched: Watched, operator: Caller) -> None:
    key = watched("services:read", "keys:read", "keys:write", services_read=1, keys_read=89)
    narrow_api_keys(caller=operator, selected=[key])
    ScopeUse.objects.filter(scope="keys:read").delete()
    narrow_api_keys(caller=operator, selected=[key])
    assert scopes(key) == ["services:read"]
    widen_api_keys(caller=operator, selected=[key])
    assert scopes(key) == ["services:read", "keys:read", "keys:write"]


@pytest.mark.requirement(123)
def test_only_those_who_manage_a_key_narrow_it_and_nobody_gives_back_more_than_they_hold(
    cast: Cast, watched: Watched, operator: Caller
) -> None:
    key = watched("services:read")
    with pytest.raises(NotFound):
        narrow_api_keys(caller=caller_as(cast.mallory), selected=[key])
    narrow_api_keys(caller=caller_as(cast.alice), selected=[key])
    ApiKey.objects.update(wider_scopes=["users:write"])
    with pytest.raises(NotAllowed):
        widen_api_keys(caller=caller_as(cast.alice), selected=[key])
    assert scopes(key) == []


def test_many_keys_are_advised_with_one_query(
    cast: Cast, watched: Watched, operator: Caller, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    keys = [watched("services:read") for _ in range(8)]
    with django_assert_max_num_queries(24):  # type: ignore[attr-defined]
        assert narrow_api_keys(caller=operator, selected=keys) == 8


def test_the_command_lists_keys_that_could_do_without_scopes(cast: Cast, watched: Watched) -> None:
    assert output_of("advisescopes") == "Every key needs its scopes.\n"
    key = watched("services:write", "keys:read", services_write=1)
    watched("services:read", services_read=1)
    advice = {"unneeded": ["keys:read"], "kept": ["services:write"]}
    assert run("advisescopes") == [{"id": str(key.uuid), "name": "robot", "owner": "alice", **advice}]
    assert run("advisescopes", "--organization", "Acme") == []


def test_the_console_advises_narrows_and_widens(cast: Cast, watched: Watched) -> None:
    key = watched("services:write", "keys:read", services_read=1)
    page = f"/account/keys/{key.uuid}"
    alice = console_of(cast.alice)
    assert "This key could do without services:write, keys:read" in alice.get(page).content.decode()
    asked = alice.get(f"{page}/narrow").content.decode()
    assert "The key loses services:write, keys:read, and keeps: services:read." in asked
    shown = alice.post(f"{page}/narrow", {"confirmed": "True"}, follow=True).content.decode()
    assert "it can get back what it had: services:write, keys:read" in shown
    assert scopes(key) == ["services:read"]
    shown = alice.post(f"{page}/widen", {"confirmed": "True"}, follow=True).content.decode()
    assert "The key has its scopes again." in shown
    assert scopes(key) == ["services:write", "keys:read"]


def test_the_admin_shows_the_advice(cast: Cast, watched: Watched) -> None:
    key = watched("services:read")
    shown = console_of(cast.ada).get(f"/admin/apikeys/apikey/{key.pk}/change/").content.decode()
    assert "This key could do without services:read, not needed in 90 days." in shown
