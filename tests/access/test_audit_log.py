"""GET audit: the events that each caller sees, filters and pages."""

from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings

from audit.actors import ANONYMOUS, Origin
from audit.events import EventName
from audit.log import record
from audit.models import Event
from config.wire.fields import timestamp
from tests.conftest import Api, Cast, as_user, assert_problem, make_key, with_key


def names(response: Any) -> list[str]:
    return [event["event"] for event in results(response)]


def results(response: Any) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.content
    found: list[dict[str, Any]] = response.json()["results"]
    return found


def labels(response: Any) -> set[str]:
    return {event["target"]["label"] for event in results(response)}


def test_an_auditor_sees_everything_newest_first(cast: Cast) -> None:
    audrey = as_user(cast.audrey)
    found = results(audrey.get("audit"))
    assert len(found) == Event.objects.count()
    assert found[0]["event"] == "login:succeeded"
    assert list(found[0]) == [
        "id",
        "occurred_at",
        "event",
        "actor",
        "target",
        "ip",
        "request_id",
        "detail",
    ]
    actor = {"kind": "user", "id": str(cast.audrey.uuid), "label": "audrey"}
    assert found[0]["actor"] == found[0]["target"] == actor


def test_an_owner_sees_the_events_of_their_organization_and_no_other(cast: Cast) -> None:
    make_key(cast.acme, name="acme's")
    make_key(cast.umbrella, name="umbrella's")
    assert labels(as_user(cast.alice).get("audit")) == {"Acme", "acme's"}
    assert labels(as_user(cast.charlie).get("audit")) == {"Umbrella", "umbrella's"}


@pytest.mark.parametrize("name", ["bob", "mallory"])
def test_members_and_strangers_see_no_events(cast: Cast, name: str) -> None:
    assert_problem(as_user(getattr(cast, name)).get("audit"), 403, "not_allowed")


def test_nobody_sees_anything_without_a_credential(anonymous: Api) -> None:
    assert_problem(anonymous.get("audit"), 401, "not_authenticated")


def test_a_key_needs_the_scope(cast: Cast) -> None:
    problem = assert_problem(with_key(make_key(cast.alice, "keys:read")).get("audit"), 403)
    assert problem["code"] == "insufficient_scope"
    assert names(with_key(make_key(cast.alice, "audit:read")).get("audit"))


def test_events_are_filtered_by_name_actor_target_and_time(cast: Cast) -> None:
    audrey = as_user(cast.audrey)
    key = make_key(cast.alice)
    assert set(names(audrey.get("audit?event=user:created"))) == {"user:created"}
    assert names(audrey.get(f"audit?actor={cast.audrey.uuid}")) == ["login:succeeded"]
    assert names(audrey.get(f"audit?target={key.row.uuid}")) == ["api_key:created"]
    assert names(audrey.get(f"audit?target={key.row.uuid}&event=login:failed")) == []


def test_a_span_of_time_holds_its_start_and_not_its_end(cast: Cast) -> None:
    audrey = as_user(cast.audrey)
    moment = timestamp(Event.objects.latest("sequence").occurred_at)
    future = quote("2099-01-01T00:00:00+01:00")
    everything = len(names(audrey.get("audit")))
    assert len(names(audrey.get(f"audit?since=2020-01-01T00:00:00Z&until={future}"))) == everything
    assert names(audrey.get(f"audit?since={future}")) == []
    assert names(audrey.get(f"audit?until={moment}&since={moment}")) == []


@pytest.mark.parametrize(
    ("query", "member"),
    [
        ("event=login", "event"),
        ("event=", "event"),
        ("since=yesterday", "since"),
        ("until=2026-13-01T00:00:00Z", "until"),
        ("since=0001-01-01T00:00:00%2B14:00", "since"),
        ("actor=%00", "actor"),
        (f"target={'x' * 37}", "target"),
        ("actor=a&actor=b", "actor"),
        ("nope=1", "nope"),
        ("Event=login:failed", "Event"),
        ("page_size=0", "page_size"),
        ("page_size=-1", "page_size"),
        ("page_size=many", "page_size"),
        ("page_size=%D9%A1", "page_size"),
        ("cursor=zzz", "cursor"),
        ("cursor=cD1hYmM=", "cursor"),
        ("cursor=cD0tMQ==", "cursor"),
    ],
)
def test_a_wrong_parameter_is_named(cast: Cast, query: str, member: str) -> None:
    assert_problem(as_user(cast.audrey).get(f"audit?{query}"), 400, "invalid", member)


@pytest.mark.requirement(114)
def test_an_id_may_be_sent_in_capitals(cast: Cast) -> None:
    key = make_key(cast.alice)
    as_user(cast.alice).delete(f"api-keys/{key.row.uuid}")
    audrey, alice, row = as_user(cast.audrey), str(cast.alice.uuid), str(key.row.uuid)
    for query in (f"actor={alice.upper()}", f"target={row.upper()}"):
        assert "api_key:revoked" in [event["event"] for event in results(audrey.get(f"audit?{query}"))]


def test_pages_are_followed_to_the_end_without_a_gap(cast: Cast) -> None:
    audrey = as_user(cast.audrey)
    seen: list[object] = []
    address: str | None = "audit?page_size=5"
    while address is not None:
        page = audrey.get(address)
        assert len(results(page)) <= 5
        seen += [event["id"] for event in results(page)]
        address = page.json()["next"]
        address = address and address.removeprefix(settings.PUBLIC_URL)
    assert seen == [str(event.uuid) for event in Event.objects.order_by("-sequence")]


@pytest.mark.requirement(54)
def test_a_page_has_at_most_200_events_whatever_is_asked(cast: Cast) -> None:
    for _ in range(210):
        record(EventName.LOGIN_FAILED, actor=ANONYMOUS, origin=Origin.here())
    audrey = as_user(cast.audrey)
    assert len(results(audrey.get("audit"))) == 50
    assert len(results(audrey.get("audit?page_size=100000"))) == 200


@pytest.mark.parametrize("method", ["post", "patch", "delete"])
@pytest.mark.requirement(83)
def test_the_endpoint_only_reads(cast: Cast, method: str) -> None:
    event = Event.objects.latest("sequence")
    ada = as_user(cast.ada)
    assert_problem(getattr(ada, method)("audit"), 405)
    assert_problem(getattr(ada, method)(f"audit/{event.uuid}"), 404)
