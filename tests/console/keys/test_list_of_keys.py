"""/account/keys: whose keys one sees, in which order, and for how many queries."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from apikeys.models import ApiKey, KeyUse
from tests.conftest import Cast, as_user, make_key
from tests.console.helpers import console_of
from tests.console.keys.helpers import LIST, NEW, names_in, text_of

PEOPLE = ("ada", "audrey", "alice", "bob", "charlie", "mallory")
QUERIES = 7  # cookie, session, memberships, organizations, count, keys, their last day


def make_some(cast: Cast) -> None:
    for owner in (cast.acme, cast.umbrella, cast.alice, cast.bob, cast.charlie):
        make_key(owner, name=f"of {owner}".lower())


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.requirement(46)
def test_the_page_lists_the_keys_that_the_api_lists(who: str, cast: Cast) -> None:
    make_some(cast)
    person: User = getattr(cast, who)
    listed = as_user(person).get("api-keys").json()["results"]
    assert names_in(console_of(person).get(LIST)) == [each["name"] for each in listed]


@pytest.mark.requirement(46)
def test_the_owner_narrows_the_list(cast: Cast) -> None:
    make_some(cast)
    client = console_of(cast.alice)
    assert names_in(client.get(LIST)) == ["of alice", "of acme"]
    assert names_in(client.get(LIST, {"owner": "me"})) == ["of alice"]
    assert names_in(client.get(LIST, {"owner": str(cast.acme.uuid)})) == ["of acme"]
    foreign = client.get(LIST, {"owner": str(cast.umbrella.uuid)})
    assert (foreign.status_code, names_in(foreign)) == (400, [])


def test_the_status_and_words_of_the_name_narrow_the_list(cast: Cast) -> None:
    now = timezone.now()
    for name, columns in {
        "stock service": {},
        "stock export": {"expires_at": now + timedelta(days=3)},
        "old stock": {"revoked_at": now},
        "grafana": {"disabled_at": now},
    }.items():
        ApiKey.objects.filter(pk=make_key(cast.bob, name=name).row.pk).update(**columns)
    client = console_of(cast.bob)

    def found(**query: str) -> list[str]:
        return sorted(names_in(client.get(LIST, query)))

    assert found(status="active") == ["stock export", "stock service"]
    assert found(status="expiring") == ["stock export"]
    assert found(status="revoked", search="stock") == ["old stock"]
    assert found(search="graf") == ["grafana"]
    assert found(search="nothing") == []
    assert "No key matches." in text_of(client.get(LIST, {"search": "nothing"}))


@pytest.mark.parametrize(
    "query",
    [{"status": "lost"}, {"search": "\0"}, {"search": "é" * 5000}, {"owner": "\0"}, {"owner": "x" * 5000}],
)
def test_a_wrong_filter_is_marked_beside_its_field(query: dict[str, str], cast: Cast) -> None:
    make_key(cast.bob)
    answer = console_of(cast.bob).get(LIST, query)
    assert (answer.status_code, names_in(answer)) == (400, [])
    assert 'class="errorlist"' in answer.content.decode()


@pytest.mark.parametrize("page", ["0", "-1", "x", "9" * 5000, "\0"])
def test_a_page_that_does_not_exist_is_one_that_does(page: str, cast: Cast) -> None:
    make_key(cast.bob)
    assert names_in(console_of(cast.bob).get(LIST, {"page": page})) == ["a key"]


def test_a_page_has_50_keys_and_links_to_the_others_keep_the_filter(cast: Cast) -> None:
    for number in range(51):
        make_key(cast.bob, name=f"key {number}")
    client = console_of(cast.bob)
    first = client.get(LIST, {"search": "key"})
    assert len(names_in(first)) == 50 and "Page 1 of 2, 51 keys" in text_of(first)
    assert 'href="?search=key&amp;page=2"' in first.content.decode()
    assert names_in(client.get(f"{LIST}?search=key&page=2")) == ["key 0"]


@pytest.mark.parametrize("count", [1, 40])
def test_the_number_of_queries_does_not_depend_on_the_number_of_keys(
    count: int, cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(count):
        key = make_key(cast.acme if number % 2 else cast.bob, "services:read").row
        hour = int(timezone.now().timestamp()) // 3600 * 3600
        KeyUse.objects.create(key=key, begins_at=hour, seconds=3600, outcome="allowed", count=3)
    client = console_of(cast.bob)
    client.get(LIST)
    with django_assert_num_queries(QUERIES):
        client.get(LIST)


def test_a_row_says_what_a_key_may_do_and_how_it_is_used(cast: Cast) -> None:
    key = make_key(cast.bob, "services:read", "services:write", "keys:read").row
    used = {"last_used_at": timezone.now() - timedelta(hours=2), "last_used_ip": "203.0.113.7"}
    ApiKey.objects.filter(pk=key.pk).update(**used)
    hour = int(timezone.now().timestamp()) // 3600 * 3600
    KeyUse.objects.create(key=key, begins_at=hour, seconds=3600, outcome="allowed", count=3)
    shown = text_of(console_of(cast.bob).get(LIST))
    for words in (
        f"{key.key_prefix}…",
        "services:read, services:write",
        "+1",
        "203.0.113.7",
        "3 requests in 24 h",
    ):
        assert words in shown, words


def test_names_are_text_on_every_page(cast: Cast) -> None:
    key = make_key(cast.bob, name="<script>alert(1)</script>").row
    client = console_of(cast.bob)
    for path in ("", f"/{key.uuid}", *(f"/{key.uuid}/{what}" for what in ("edit", "rotate", "revoke"))):
        answer = client.get(LIST + path)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.content.decode(), path


def test_people_who_may_make_no_keys_see_the_list_and_no_button(cast: Cast) -> None:
    make_key(cast.acme, name="of acme")
    client = console_of(cast.audrey)
    shown: Any = client.get(LIST)
    assert names_in(shown) == ["of acme"] and NEW not in text_of(shown)
    assert client.get(NEW).status_code == 403


def test_an_empty_list_says_what_to_do(cast: Cast) -> None:
    assert "Create one for a program" in text_of(console_of(cast.mallory).get(LIST))
    User.objects.filter(pk=cast.mallory.pk).update(role="a role that nobody knows")
    shown = text_of(console_of(cast.mallory).get(LIST))
    assert "Ask an administrator of Keyhouse" in shown and NEW not in shown


def test_the_console_begins_with_the_keys(cast: Cast) -> None:
    assert console_of(cast.bob).get("/account/")["Location"] == LIST
