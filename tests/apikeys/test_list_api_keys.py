"""GET api-keys with filters, a search and an order."""

from base64 import b64encode
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apikeys.models import ApiKey
from apikeys.services.api_keys import NewKey
from tests.accounts.helpers import statements
from tests.apikeys.states import change, keys_in_each_state
from tests.conftest import Api, Cast, as_user, assert_problem, make_key, with_key


@pytest.fixture
def keys(cast: Cast) -> dict[str, NewKey]:
    """One key in each state, old enough to be unused."""
    made = keys_in_each_state(cast)
    change(made["expiring"], name="expiring soon")
    return made


def found(api: Api, **query: Any) -> list[str]:
    answer = api.get(f"api-keys?{urlencode(query)}")
    assert answer.status_code == 200, answer.content
    return [key["name"] for key in answer.json()["results"]]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"status": "active"}, ["expiring soon", "active"]),
        ({"status": "expiring"}, ["expiring soon"]),
        ({"status": "expired"}, ["expired"]),
        ({"status": "disabled"}, ["disabled"]),
        ({"status": "revoked"}, ["revoked"]),
        ({"environment": "test"}, ["expiring soon"]),
        ({"scope": "services:read"}, ["expiring soon"]),
        ({"scope": "services:write"}, []),
        ({"expiring_within": "14d"}, ["expiring soon"]),
        ({"expiring_within": "2d"}, []),
        ({"unused_for": "90d", "status": "active"}, ["expiring soon"]),
        ({"unused_for": "300d"}, []),
        ({"search": "SOON"}, ["expiring soon"]),
        ({"search": "exp"}, ["expiring soon", "expired"]),
        ({"search": ""}, ["expiring soon", "revoked", "disabled", "expired", "active"]),
        ({"search": "exp", "environment": "live"}, ["expired"]),
    ],
)
def test_keys_are_found_by_what_they_are(
    cast: Cast, keys: dict[str, NewKey], query: dict[str, str], names: list[str]
) -> None:
    assert found(as_user(cast.ada), **query) == names


def test_each_status_finds_the_keys_that_show_it(cast: Cast, keys: dict[str, NewKey]) -> None:
    ada = as_user(cast.ada)
    for status in ("active", "expired", "disabled", "revoked"):
        shown = {key["status"] for key in ada.get(f"api-keys?status={status}").json()["results"]}
        assert shown == {status}


def test_keys_are_found_by_their_owner(cast: Cast, keys: dict[str, NewKey]) -> None:
    ada = as_user(cast.ada)
    assert found(ada, owner=cast.bob.uuid) == ["expiring soon"]
    assert found(ada, owner=str(cast.bob.uuid).upper()) == ["expiring soon"]
    assert found(ada, organization=cast.acme.uuid) == ["revoked", "disabled", "expired", "active"]
    assert found(ada, owner=cast.bob.uuid, organization=cast.acme.uuid) == []
    assert found(ada, owner="me") == []
    assert found(as_user(cast.bob), owner="me") == ["expiring soon"]


def test_me_is_the_organization_whose_key_calls(cast: Cast, keys: dict[str, NewKey]) -> None:
    program = with_key(make_key(cast.umbrella, "keys:read", name="itself"))
    make_key(cast.charlie, name="charlie's")
    assert found(program, owner="me") == ["itself"]


@pytest.mark.requirement(46)
def test_an_owner_whom_the_caller_may_not_see_looks_like_one_that_does_not_exist(cast: Cast) -> None:
    make_key(cast.charlie), make_key(cast.umbrella)
    bob = as_user(cast.bob)
    unknown = bob.get(f"api-keys?owner={uuid4()}")
    for query in (f"owner={cast.charlie.uuid}", f"organization={cast.umbrella.uuid}"):
        answer = bob.get(f"api-keys?{query}")
        assert (answer.status_code, answer.content) == (200, unknown.content)
    assert unknown.json()["results"] == []


@pytest.mark.parametrize(
    ("member", "value", "right"),
    [
        ("status", "dead", "active, expiring, expired, disabled, revoked"),
        ("status", "", "active, expiring, expired, disabled, revoked"),
        ("environment", "staging", "live, test"),
        ("owner", "bob", "123e4567-e89b-42d3-a456-426614174000"),
        ("organization", "Acme", "123e4567-e89b-42d3-a456-426614174000"),
        ("organization", "me", "123e4567-e89b-42d3-a456-426614174000"),
        ("scope", "everything", "keys:read"),
        ("expiring_within", "14", "90d"),
        ("expiring_within", "-1d", "90d"),
        ("unused_for", "99999999w", "36500d"),
        ("unused_for", "99999999999d", "36500d"),
        ("ordering", "last_used_at", "created_at, -created_at, name, -name, expires_at, -expires_at"),
        ("ordering", "--name", "-name"),
        ("ordering", "name,id", "-name"),
        ("search", "x" * 101, "100"),
        ("search", "a\0", "Null"),
    ],
)
def test_a_wrong_value_is_refused_with_what_would_be_right(
    cast: Cast, member: str, value: str, right: str
) -> None:
    answer = as_user(cast.ada).get(f"api-keys?{urlencode({member: value})}")
    problem = assert_problem(answer, 400, "invalid", member)
    assert right in problem["errors"][0]["detail"]


def test_every_wrong_parameter_is_named_at_once(cast: Cast) -> None:
    answer = as_user(cast.ada).get("api-keys?status=dead&owner=bob&unused_for=x")
    problem = assert_problem(answer, 400, "invalid")
    assert [error["member"] for error in problem["errors"]] == ["status", "owner", "unused_for"]


@pytest.fixture
def sortable(cast: Cast) -> None:
    """Keys whose order differs by each column; several share a name, and several never expire."""
    now = timezone.now()
    for name, days in (("b", 2), ("c", None), ("a", 9), ("b", None), ("b", 5), ("c", 2), ("a", None)):
        made = make_key(cast.alice, name=name)
        change(made, expires_at=now + timedelta(days=days) if days else None)


@pytest.mark.parametrize("ordering", ["created_at", "name", "expires_at"])
@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_every_order_holds_across_pages_in_both_directions(
    cast: Cast, sortable: None, ordering: str, sign: str, size: int
) -> None:
    never = timezone.now() + timedelta(days=9999)

    def key(row: ApiKey) -> tuple[Any, int]:
        sorted_by = {"created_at": 0, "name": row.name, "expires_at": row.expires_at or never}[ordering]
        return sorted_by, row.pk

    rows = sorted(ApiKey.objects.all(), key=key, reverse=sign == "-")
    expected = [str(row.uuid) for row in rows]
    alice, pages = as_user(cast.alice), []
    following = f"/api/v1/api-keys?ordering={sign}{ordering}&page_size={size}"
    while following:
        pages.append(alice.client.get(following).json())
        following = pages[-1]["next"]
    assert [key["id"] for page in pages for key in page["results"]] == expected
    for page, before in zip(reversed(pages[1:]), reversed(pages[:-1]), strict=True):
        back = alice.client.get(page["previous"]).json()
        assert back["results"] == before["results"]
        assert (back["previous"] is None) == (before is pages[0])
        assert alice.client.get(back["next"]).json()["results"] == page["results"]


def test_the_default_order_is_the_newest_first(cast: Cast, sortable: None) -> None:
    alice = as_user(cast.alice)
    first = alice.get("api-keys?page_size=3").json()
    named = alice.get("api-keys?page_size=3&ordering=-created_at").json()
    assert first["results"] == named["results"]
    crossed = first["next"].replace("page_size", "ordering=-created_at&page_size")
    assert alice.client.get(crossed).json()["results"] == alice.client.get(first["next"]).json()["results"]


def test_a_cursor_of_another_order_is_refused(cast: Cast, sortable: None) -> None:
    alice = as_user(cast.alice)
    pairs = ("name", "-name"), ("name", "expires_at"), ("name", "-created_at"), ("created_at", "name")
    for made, used in pairs:
        following = alice.get(f"api-keys?page_size=2&ordering={made}").json()["next"]
        answer = alice.client.get(following.replace(f"ordering={made}", f"ordering={used}"))
        problem = assert_problem(answer, 400, "invalid", "cursor")
        assert "another ordering" in problem["detail"]


@pytest.mark.parametrize(
    "members",
    [
        {"p": "1"},
        {"p": "1", "v": "a\0"},
        {"v": "a"},
        {"p": "9223372036854775808", "v": "a"},
        {"p": "x", "v": "a"},
        {"p": "٣", "v": "a"},
    ],
)
@pytest.mark.parametrize("ordering", ["name", "expires_at"])
def test_a_changed_cursor_is_refused(cast: Cast, members: dict[str, str], ordering: str) -> None:
    cursor = b64encode(urlencode({"o": ordering, **members}).encode()).decode()
    query = urlencode({"ordering": ordering, "cursor": cursor})
    assert_problem(as_user(cast.alice).get(f"api-keys?{query}"), 400, "invalid", "cursor")


def test_filters_stay_on_every_page(cast: Cast, keys: dict[str, NewKey]) -> None:
    ada = as_user(cast.ada)
    first = ada.get(f"api-keys?organization={cast.acme.uuid}&ordering=name&page_size=3").json()
    assert [key["name"] for key in first["results"]] == ["active", "disabled", "expired"]
    assert [key["name"] for key in ada.client.get(first["next"]).json()["results"]] == ["revoked"]


def test_filters_cost_no_more_queries_however_many_keys_there_are(cast: Cast) -> None:
    query = {
        "status": "active",
        "environment": "live",
        "owner": str(cast.alice.uuid),
        "organization": str(cast.acme.uuid),
        "scope": "keys:read",
        "expiring_within": "14d",
        "unused_for": "90d",
        "search": "key",
        "ordering": "name",
    }
    alice = as_user(cast.alice)
    for _ in range(2):
        make_key(cast.alice), make_key(cast.acme)
        with CaptureQueriesContext(connection) as captured:
            assert alice.get(f"api-keys?{urlencode(query)}").status_code == 200
        asked = [sql for sql in statements(captured) if not sql.startswith("SET LOCAL")]
        assert len(asked) == 2  # the caller, and the keys
