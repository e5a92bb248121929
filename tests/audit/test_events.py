"""The vocabulary of the audit log, and the content of events."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import Max

from access.principals import Caller
from accounts.organizations.services import change_member_role
from accounts.users.changes import UserChanges
from accounts.users.services import update_user
from apikeys.services.revocation import revoke_api_keys
from audit.events import EventName
from audit.models import Event
from tests.conftest import PASSWORD, Api, Cast, as_user, assert_problem, log_in, make_key, with_key

PROXY_HEADERS = {"X-Request-ID": "request-0001"}
ORIGINAL = {"X-Original-Method": "GET", "X-Original-URI": "/services/stock/items"}


def test_every_event_name_is_a_subject_and_a_past_participle() -> None:
    for name in EventName:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*:[a-z]+", name)
        others = {"consent:given", "consent:withdrawn", "domain:proven"}
        others.add("api_key:expiring")  # which has not happened yet
        assert name.partition(":")[2].endswith("ed") or name in others
        assert len(name) <= 50


def test_no_two_event_names_are_spelled_the_same() -> None:
    assert len({str(name) for name in EventName}) == len(EventName.__members__)


def test_a_word_once_used_is_still_there() -> None:
    """Events in the log keep their names for ever: this list only grows."""
    assert set(EventName) >= {
        "login:succeeded",
        "login:failed",
        "session:ended",
        "refresh_token:reused",
        "access:denied",
        "user:created",
        "user:changed",
        "user:deactivated",
        "user:reactivated",
        "role:changed",
        "password:changed",
        "password_reset:requested",
        "organization:created",
        "organization:changed",
        "member:added",
        "member:removed",
        "api_key:created",
        "api_key:renamed",
        "api_key:revoked",
        "api_key:refused",
    }


def events_of(action: Callable[[], object]) -> list[Event]:
    """Return the events that `action` records."""
    before = Event.objects.aggregate(last=Max("sequence"))["last"] or 0
    action()
    return list(Event.objects.filter(sequence__gt=before))


def assert_one_event(events: list[Event], name: EventName, actor: tuple[str, str], target: str) -> Event:
    """Assert one event with this name, actor and target, the present time, an address and a request id."""
    (event,) = events
    assert event.name == name
    assert (event.actor_kind, event.actor_id) == actor
    assert event.target_id == target
    assert event.occurred_at.utcoffset() == timedelta()
    assert timedelta() <= datetime.now(UTC) - event.occurred_at < timedelta(minutes=5)
    assert event.ip == "127.0.0.1"
    assert event.request_id == PROXY_HEADERS["X-Request-ID"]
    return event


@pytest.mark.requirement(81)
def test_a_login_is_one_event(cast: Cast) -> None:
    body = {"username": "alice", "password": PASSWORD}
    events = events_of(lambda: Api(PROXY_HEADERS).post("auth/login", body))
    alice = str(cast.alice.uuid)
    assert_one_event(events, EventName.LOGIN_SUCCEEDED, ("user", alice), alice)


@pytest.mark.parametrize(
    ("username", "password", "reason"),
    [("alice", "wrong", "wrong password"), ("nobody", "wrong", "unknown"), ("bob", PASSWORD, "inactive")],
)
@pytest.mark.requirement(81)
def test_a_failed_login_is_one_event_with_its_reason(
    cast: Cast, operator: Caller, username: str, password: str, reason: str
) -> None:
    update_user(caller=operator, user=cast.bob, changes=UserChanges(is_active=False))
    body = {"username": username, "password": password}
    events = events_of(lambda: Api(PROXY_HEADERS).post("auth/login", body))
    user = {"alice": str(cast.alice.uuid), "bob": str(cast.bob.uuid)}.get(username, "")
    event = assert_one_event(events, EventName.LOGIN_FAILED, ("anonymous", ""), user)
    assert event.detail == {"reason": reason}


@pytest.mark.requirement(81)
def test_a_denied_request_is_one_event(cast: Cast) -> None:
    token = log_in(cast.mallory)["access_token"]
    client = Api({"Authorization": f"Bearer {token}", **PROXY_HEADERS})
    events = events_of(lambda: assert_problem(client.get("audit"), 403))
    event = assert_one_event(events, EventName.ACCESS_DENIED, ("user", str(cast.mallory.uuid)), "")
    assert event.target_label == "GET /api/v1/audit"
    assert event.detail["code"] == "not_allowed"


@pytest.mark.requirement(81)
def test_a_request_denied_at_the_gateway_is_one_event(cast: Cast) -> None:
    key = make_key(cast.alice, "keys:read")
    client = Api({"X-API-Key": key.text, **PROXY_HEADERS, **ORIGINAL})
    events = events_of(lambda: assert_problem(client.get("/gateway/check"), 403, "insufficient_scope"))
    event = assert_one_event(events, EventName.ACCESS_DENIED, ("api_key", str(key.row.uuid)), "")
    assert event.target_label == "GET /services/stock/items"


@pytest.mark.requirement(81)
def test_creating_and_revoking_a_key_are_one_event_each(cast: Cast) -> None:
    token = log_in(cast.alice)["access_token"]
    client, alice = (
        Api({"Authorization": f"Bearer {token}", **PROXY_HEADERS}),
        ("user", str(cast.alice.uuid)),
    )
    made: list[str] = []
    created = events_of(lambda: made.append(client.post("api-keys", {"name": "CI"}).json()["id"]))
    assert_one_event(created, EventName.API_KEY_CREATED, alice, made[0])
    revoked = events_of(lambda: client.delete(f"api-keys/{made[0]}"))
    assert_one_event(revoked, EventName.API_KEY_REVOKED, alice, made[0])
    assert events_of(lambda: client.delete(f"api-keys/{made[0]}")) == []


@pytest.mark.requirement(81)
def test_a_refused_key_is_one_event(cast: Cast, operator: Caller) -> None:
    key = make_key(cast.alice)
    revoke_api_keys(caller=operator, selected=[key.row])
    client = Api({"X-API-Key": key.text, **PROXY_HEADERS})
    events = events_of(lambda: assert_problem(client.get("auth/me"), 401, "invalid_token"))
    event = assert_one_event(events, EventName.API_KEY_REFUSED, ("anonymous", ""), str(key.row.uuid))
    assert event.detail == {"reason": "revoked"}


@pytest.mark.requirement(81)
def test_a_changed_role_is_one_event(cast: Cast, operator: Caller) -> None:
    changes = UserChanges(role="auditor")
    (event,) = events_of(lambda: update_user(caller=operator, user=cast.mallory, changes=changes))
    assert (event.name, event.actor_kind, event.target_id) == (
        EventName.ROLE_CHANGED,
        "operator",
        str(cast.mallory.uuid),
    )
    assert (event.detail["from"], event.detail["to"]) == ("member", "auditor")
    membership = cast.bob.memberships.get()
    (event,) = events_of(lambda: change_member_role(caller=operator, membership=membership, role="owner"))
    assert (event.name, event.target_id) == (EventName.ROLE_CHANGED, str(cast.acme.uuid))
    assert event.detail["user"] == str(cast.bob.uuid)


def test_an_event_holds_no_secret(cast: Cast) -> None:
    alice = as_user(cast.alice)
    key = alice.post("api-keys", {"name": "CI", "scopes": ["services:read"]}).json()["key"]
    with_key(key).get("audit")
    Api().post("auth/login", {"username": "alice", "password": "a secret that is wrong"})
    said = " ".join(str(vars(event)) for event in Event.objects.all())
    assert key not in said
    assert PASSWORD not in said
    assert "a secret that is wrong" not in said
