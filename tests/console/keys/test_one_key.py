"""/account/keys/<uuid>: what it says about a key, and what one does with it there."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apikeys.models import ApiKey, KeyUse
from audit.models import Event
from tests.conftest import Cast, as_user, make_key, with_key
from tests.console.helpers import console_of, strict
from tests.console.keys.helpers import LIST, key_in, last_event, page_of, text_of

CONFIRMED = {"confirmed": "True"}
ACTIONS = ("edit", "rotate", "disable", "enable", "narrow", "widen", "revoke")


@pytest.fixture
def key(cast: Cast) -> ApiKey:
    return make_key(cast.bob, "services:read", name="CI").row


def use(key: ApiKey, count: int, outcome: str = "allowed", ago: timedelta = timedelta()) -> None:
    at = timezone.now() - ago
    ApiKey.objects.filter(pk=key.pk).update(last_used_at=at, last_used_ip="203.0.113.7")
    hour = int(at.timestamp()) // 3600 * 3600
    KeyUse.objects.create(key=key, begins_at=hour, seconds=3600, outcome=outcome, count=count)


def test_the_page_says_how_a_key_was_used_in_30_days(cast: Cast, key: ApiKey) -> None:
    use(key, 5, ago=timedelta(days=20))
    use(key, 4, "rate")
    use(key, 3)
    shown = text_of(console_of(cast.bob).get(page_of(key)))
    assert "allowed: 8 in total" in shown and "refused: 4 in total" in shown
    assert "203.0.113.7" in shown and "3 and 4 refused" in shown
    assert "Read from the services behind the gateway" in shown


@pytest.mark.parametrize("uses", [0, 30])
def test_the_page_takes_the_same_queries_for_every_key(
    uses: int, cast: Cast, key: ApiKey, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for day in range(uses):
        use(key, 1, ago=timedelta(days=day))
    client = console_of(cast.bob)
    client.get(page_of(key))
    # cookie, session, memberships, key, day, scopes, month, quota, may manage
    with django_assert_num_queries(10):
        client.get(page_of(key))


@pytest.mark.parametrize("what", ["", *ACTIONS])
@pytest.mark.requirement(46)
def test_a_foreign_an_unknown_and_a_malformed_key_are_not_found(what: str, cast: Cast) -> None:
    foreign, client = make_key(cast.umbrella).row, console_of(cast.alice)
    for path in (page_of(foreign, what), page_of(ApiKey(uuid=uuid4()), what)):
        assert client.get(path).status_code == 404
        if what:
            assert client.post(path, CONFIRMED | {"name": "theirs"}).status_code == 404
    tail = f"/{what}" if what else ""
    for malformed in ("x", "1", "%00", "é" * 5000, str(foreign.uuid)[:-1]):
        assert client.get(f"{LIST}/{malformed}{tail}").status_code == 404
    assert Event.objects.filter(target_id=str(foreign.uuid)).count() == 1  # its making


@pytest.mark.parametrize("what", ACTIONS)
@pytest.mark.requirement(46)
def test_people_who_only_see_a_key_change_nothing(what: str, cast: Cast) -> None:
    row = make_key(cast.acme, "services:read", name="CI").row
    client = console_of(cast.bob)
    shown = client.get(page_of(row))
    assert shown.status_code == 200 and page_of(row, "revoke") not in text_of(shown)
    assert client.get(page_of(row, what)).status_code == 403
    answer = client.post(page_of(row, what), CONFIRMED | {"name": "mine"})
    assert answer.status_code == 403 and "may not manage this key" in text_of(answer)
    assert last_event() == ("access:denied", str(cast.bob.uuid))
    kept = ApiKey.objects.get()
    assert (kept.name, kept.disabled_at, kept.revoked_at) == ("CI", None, None)


@pytest.mark.parametrize("what", ["rotate", "disable", "revoke"])
def test_a_page_that_ends_something_says_what_stops_working(what: str, cast: Cast, key: ApiKey) -> None:
    use(key, 1240)
    shown = text_of(console_of(cast.bob).get(page_of(key, what)))
    assert "stop working" in shown and "203.0.113.7" in shown and "1,240" in shown
    assert 'class="ends"' in shown


def test_a_disabled_key_works_again_when_it_is_enabled(cast: Cast) -> None:
    made = make_key(cast.bob, "services:read")
    client, api = console_of(cast.bob), with_key(made)
    for what, status, event in (("disable", 401, "disabled"), ("enable", 200, "enabled")):
        answer = client.post(page_of(made.row, what), CONFIRMED, follow=True)
        assert f"The key is {event}." in text_of(answer)
        assert last_event() == (f"api_key:{event}", str(cast.bob.uuid))
        assert api.get("auth/me").status_code == status
        count = Event.objects.count()
        client.post(page_of(made.row, what), CONFIRMED)
        assert Event.objects.count() == count


def test_a_revoked_key_is_refused_and_offers_nothing_more(cast: Cast) -> None:
    made = make_key(cast.bob, "services:read")
    client = console_of(cast.bob)
    answer = client.post(page_of(made.row, "revoke"), CONFIRMED | {"reason": "it leaked"}, follow=True)
    assert "The key is revoked." in text_of(answer) and "it leaked" in text_of(answer)
    assert page_of(made.row, "rotate") not in text_of(answer)
    assert last_event() == ("api_key:revoked", str(cast.bob.uuid))
    assert with_key(made).get("auth/me").status_code == 401
    for what in ("rotate", "disable", "enable"):
        late = client.post(page_of(made.row, what), CONFIRMED)
        assert late.status_code == 409 and "create a new key" in text_of(late)


def test_a_rotated_key_overlaps_its_successor_which_is_shown_once(cast: Cast) -> None:
    made = make_key(cast.bob, "services:read")
    client = console_of(cast.bob)
    answer = client.post(page_of(made.row, "rotate"), CONFIRMED | {"overlap": "24h"})
    successor = key_in(answer)
    assert answer["Cache-Control"] == "no-store" and "The old key works until" in text_of(answer)
    assert [with_key(each).get("auth/me").status_code for each in (made, successor)] == [200, 200]
    assert last_event() == ("api_key:rotated", str(cast.bob.uuid))
    again = client.post(page_of(made.row, "rotate"), CONFIRMED)
    assert again.status_code == 409 and "was already rotated" in text_of(again)
    assert successor not in text_of(client.get(page_of(ApiKey.objects.latest("pk"))))


def test_without_an_overlap_the_old_key_ends_at_once(cast: Cast) -> None:
    made = make_key(cast.bob, "services:read")
    answer = console_of(cast.bob).post(page_of(made.row, "rotate"), CONFIRMED | {"overlap": ""})
    assert "The old key no longer works." in text_of(answer)
    statuses = [with_key(each).get("auth/me").status_code for each in (made, key_in(answer))]
    assert statuses == [401, 200]


def test_the_name_and_the_limits_of_a_key_change(cast: Cast, key: ApiKey) -> None:
    client = console_of(cast.bob)
    sent = {"name": "Nightly", "allowed_networks": "192.0.2.0/24", "rate_limit": "5/1s"}
    assert "The key is saved." in text_of(client.post(page_of(key, "edit"), sent, follow=True))
    key.refresh_from_db()
    assert (key.name, key.allowed_networks, str(key.rate_limit)) == ("Nightly", ["192.0.2.0/24"], "5/1s")
    names = Event.objects.order_by("-sequence").values_list("name", flat=True)[:2]
    assert set(names) == {"api_key:renamed", "api_key:changed"}
    count = Event.objects.count()
    assert client.post(page_of(key, "edit"), sent).status_code == 302
    assert Event.objects.count() == count


@pytest.mark.parametrize(
    ("what", "member", "value"),
    [
        ("edit", "name", ""),
        ("edit", "name", "é" * 5000),
        ("edit", "name", "\0"),
        ("edit", "allowed_networks", "example.org"),
        ("edit", "rate_limit", "fast"),
        ("rotate", "overlap", "99d"),
        ("rotate", "expires_at", "tomorrow"),
        ("rotate", "expires_at", "2001-01-01T00:00"),
        ("revoke", "reason", "é" * 5000),
        ("revoke", "reason", "a\0b"),
        ("disable", "confirmed", ""),
    ],
)
def test_wrong_input_is_marked_beside_its_field(
    what: str, member: str, value: Any, cast: Cast, key: ApiKey
) -> None:
    sent = CONFIRMED | {"name": "CI"} | {member: value}
    answer = console_of(cast.bob).post(page_of(key, what), sent)
    assert answer.status_code == 400 and member in answer.context["form"].errors
    assert ApiKey.objects.get().version == key.version


@pytest.mark.parametrize("what", ACTIONS)
@pytest.mark.requirement(88)
def test_a_form_without_a_csrf_token_changes_nothing(what: str, cast: Cast, key: ApiKey) -> None:
    client = console_of(cast.bob)
    assert strict(client).post(page_of(key, what), CONFIRMED | {"name": "x"}).status_code == 403
    assert ApiKey.objects.get().version == key.version


def test_the_page_of_a_key_takes_only_get(cast: Cast, key: ApiKey) -> None:
    client = console_of(cast.bob)
    assert client.post(page_of(key)).status_code == client.post(LIST).status_code == 405


def test_what_the_console_changes_the_api_shows(cast: Cast, key: ApiKey) -> None:
    console_of(cast.bob).post(page_of(key, "disable"), CONFIRMED)
    assert as_user(cast.bob).get(f"api-keys/{key.uuid}").json()["status"] == "disabled"
