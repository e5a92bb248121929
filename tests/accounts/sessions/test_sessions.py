"""Sessions: how long they live, how tokens are exchanged, how they end."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from access.principals import Caller
from accounts.models import Session
from accounts.sessions import services as sessions
from accounts.sessions import tokens
from audit.models import Event
from tests.accounts.helpers import ago, at_once, claims_of, serving, with_token
from tests.conftest import PASSWORD, Api, Cast, assert_problem, log_in, make_key, with_key

Pair = dict[str, Any]


def refresh(token: str) -> Any:
    return Api().post("auth/refresh", {"refresh_token": token})


def refreshed(token: str) -> Pair:
    answer = refresh(token)
    assert answer.status_code == 200, answer.content
    pair: Pair = answer.json()
    return pair


def is_good(access_token: str) -> bool:
    status = with_token(access_token).get("auth/me").status_code
    assert status in {200, 401}
    return bool(status == 200)


def open_session(cast: Cast, **before: float) -> sessions.LoggedIn:
    """A login of alice, some time ago."""
    return sessions.log_in(identifier="alice", password=PASSWORD, origin=ago(**before))


def tokens_now(session: Session, refresh_token: str) -> tokens.TokenPair:
    """The same session's tokens as if they had just been exchanged."""
    old, now = claims_of(refresh_token), datetime.now(UTC) - timedelta(seconds=1)
    session.last_seen_at = now
    session.save(update_fields=["last_seen_at"])
    return tokens.issue(session, subject=old["sub"], refresh_id=old["jti"], now=now)


def test_a_refresh_token_gives_a_new_pair_and_the_old_access_token_stays_good(cast: Cast) -> None:
    first = log_in(cast.alice)
    second = refreshed(first["refresh_token"])
    assert list(second) == ["access_token", "refresh_token", "token_type", "expires_in"]
    assert second["refresh_token"] != first["refresh_token"]
    assert is_good(first["access_token"])
    assert is_good(second["access_token"])
    assert Session.objects.count() == 1


def test_only_a_digest_of_the_refresh_token_is_stored(cast: Cast) -> None:
    pair = log_in(cast.alice)
    stored = bytes(Session.objects.get().refresh_digest)
    assert len(stored) == 32
    assert claims_of(pair["refresh_token"])["jti"].encode() not in stored


@pytest.mark.parametrize(
    "body", [{}, {"refresh_token": ""}, {"refresh_token": None}, {"refresh_token": ["x"]}]
)
def test_a_refresh_without_a_token_names_the_member(cast: Cast, body: Pair) -> None:
    assert_problem(Api().post("auth/refresh", body), 400, "invalid", "refresh_token")


@pytest.mark.requirement(32)
def test_a_session_that_was_idle_too_long_is_over(cast: Cast) -> None:
    idle = open_session(cast, days=14, seconds=1)
    assert_problem(refresh(idle.tokens.refresh_token), 401, "invalid_token")
    assert not is_good(idle.tokens.access_token)


@pytest.mark.requirement(32)
def test_a_session_that_was_idle_just_not_too_long_goes_on(cast: Cast) -> None:
    idle = open_session(cast, days=13, hours=23)
    assert not is_good(idle.tokens.access_token)
    assert is_good(refreshed(idle.tokens.refresh_token)["access_token"])


@pytest.mark.requirement(32)
def test_rotation_does_not_extend_the_absolute_lifetime(cast: Cast) -> None:
    old = open_session(cast, days=89, hours=23, minutes=55)
    session = Session.objects.get()
    pair = refreshed(tokens_now(session, old.tokens.refresh_token).refresh_token)
    assert Session.objects.get().expires_at == session.expires_at
    assert pair["expires_in"] <= 300
    for token in (pair["access_token"], pair["refresh_token"]):
        assert claims_of(token)["exp"] <= session.expires_at.timestamp()


@pytest.mark.requirement(32)
def test_after_the_absolute_lifetime_no_token_is_good_whatever_it_says(cast: Cast) -> None:
    old = open_session(cast, days=89)
    session = Session.objects.get()
    pair = tokens_now(session, old.tokens.refresh_token)
    assert is_good(pair.access_token)
    Session.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert not is_good(pair.access_token)
    assert_problem(refresh(pair.refresh_token), 401, "invalid_token")


def test_the_profile_says_how_long_tokens_live(cast: Cast) -> None:
    with serving("login", access_token_seconds=60, session_idle_seconds=120):
        pair = log_in(cast.alice)
    assert pair["expires_in"] == 60
    for token, life in ((pair["access_token"], 60), (pair["refresh_token"], 120)):
        assert claims_of(token)["exp"] - claims_of(token)["iat"] == life


def test_tokens_count_their_time_from_the_login_and_a_repeated_refresh_token_from_the_last_refresh(
    cast: Cast,
) -> None:
    opened = open_session(cast, minutes=2)
    session = Session.objects.get()
    later = session.created_at + timedelta(minutes=1)
    again = tokens.issue(session, subject=str(cast.alice.uuid), refresh_id="an id", now=later)
    for token, start, life in (
        (opened.tokens.access_token, session.created_at, 900),
        (again.access_token, later, 900),
        (again.refresh_token, session.created_at, 14 * 86_400),
    ):
        claims, issued = claims_of(token), int(start.timestamp())
        assert (claims["iat"], claims["exp"]) == (issued, issued + life)


@pytest.mark.requirement(35)
def test_a_refresh_token_used_again_kills_the_whole_family(cast: Cast) -> None:
    first = log_in(cast.alice)
    second = refreshed(first["refresh_token"])
    third = refreshed(second["refresh_token"])
    assert_problem(refresh(first["refresh_token"]), 401, "invalid_token")
    for pair in (first, second, third):
        assert not is_good(pair["access_token"])
        assert_problem(refresh(pair["refresh_token"]), 401, "invalid_token")


@pytest.mark.requirement(35)
def test_the_other_sessions_of_the_same_person_go_on(cast: Cast) -> None:
    stolen, other = log_in(cast.alice), log_in(cast.alice)
    refreshed(stolen["refresh_token"])
    refresh(stolen["refresh_token"])
    assert is_good(other["access_token"])
    assert refreshed(other["refresh_token"])


def test_a_reused_token_is_recorded_once_however_often_it_comes(cast: Cast) -> None:
    first = log_in(cast.alice)
    refreshed(first["refresh_token"])
    for _ in range(3):
        refresh(first["refresh_token"])
    [event] = Event.objects.filter(name="refresh_token:reused")
    assert (event.actor_id, event.ip) == (str(cast.alice.uuid), "127.0.0.1")
    sid = claims_of(first["refresh_token"])["sid"]
    assert event.subjects == [f"session:{sid}", f"user:{cast.alice.uuid}"]


@pytest.mark.requirement(36)
def test_a_logout_kills_both_tokens_at_once(cast: Cast) -> None:
    pair = refreshed(log_in(cast.alice)["refresh_token"])
    answer = with_token(pair["access_token"]).post("auth/logout")
    assert (answer.status_code, answer.content) == (204, b"")
    assert not is_good(pair["access_token"])
    assert_problem(refresh(pair["refresh_token"]), 401, "invalid_token")
    assert_problem(with_token(pair["access_token"]).post("auth/logout"), 401, "invalid_token")


def test_a_logout_answers_what_the_profile_says(cast: Cast) -> None:
    api = with_token(log_in(cast.alice)["access_token"])
    with serving("wire", messages={"logout": "See you."}):
        answer = api.post("auth/logout")
    assert (answer.status_code, answer.json()) == (200, {"message": "See you."})


def test_a_logout_is_recorded_once_and_is_no_theft(cast: Cast) -> None:
    pair = log_in(cast.alice)
    with_token(pair["access_token"]).post("auth/logout")
    refresh(pair["refresh_token"])
    names = Event.objects.order_by("sequence").values_list("name", flat=True)
    assert list(names)[-2:] == ["login:succeeded", "session:ended"]
    event = Event.objects.latest("sequence")
    assert (event.actor_id, event.ip, event.detail) == (str(cast.alice.uuid), "127.0.0.1", {})
    sid = claims_of(pair["access_token"])["sid"]
    assert event.subjects == [f"session:{sid}", f"user:{cast.alice.uuid}"]


def test_a_logout_leaves_the_other_sessions_alone(cast: Cast) -> None:
    one, other = log_in(cast.alice), log_in(cast.alice)
    with_token(one["access_token"]).post("auth/logout")
    assert is_good(other["access_token"])


def test_sessions_that_are_ended_together_are_recorded_one_by_one_and_once(
    cast: Cast, operator: Caller
) -> None:
    for user in (cast.alice, cast.bob):
        log_in(user)
    selected = list(Session.objects.order_by("-pk").select_related("user"))
    assert [sessions.end_selected_sessions(caller=operator, selected=selected) for _ in range(2)] == [2, 0]
    recorded = Event.objects.filter(name="session:ended").order_by("sequence")
    assert [event.subjects for event in recorded] == [
        [f"session:{each.uuid}", f"user:{each.user.uuid}"] for each in reversed(selected)
    ]


def test_a_key_cannot_log_anybody_out(cast: Cast) -> None:
    pair = log_in(cast.alice)
    key = make_key(cast.alice, "keys:write")
    assert_problem(with_key(key).post("auth/logout"), 403, "not_allowed")
    assert_problem(Api().post("auth/logout"), 401, "not_authenticated")
    assert is_good(pair["access_token"])


@pytest.mark.django_db(transaction=True)
@pytest.mark.requirement(39)
def test_of_eight_simultaneous_refreshes_of_one_token_at_most_one_succeeds(cast: Cast) -> None:
    for _ in range(3):
        token = log_in(cast.alice)["refresh_token"]
        statuses = sorted(answer.status_code for answer in at_once(lambda _: refresh(token), times=8))  # noqa: B023
        assert statuses in ([200] + [401] * 7, [401] * 8)
    assert Event.objects.filter(name="refresh_token:reused").count() == 3
    assert not Session.objects.filter(ended_at__isnull=True).exists()
