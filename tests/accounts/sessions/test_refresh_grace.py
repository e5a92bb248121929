"""`login.refresh_grace_seconds`: tabs that share a refresh token get one successor, and stay logged in."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from accounts.models import Session
from accounts.sessions import refreshing
from accounts.sessions import services as sessions
from accounts.sessions.tokens import TokenPair
from audit.actors import Origin
from audit.models import Event
from config.profiles.loader import SHIPPED
from config.wire.errors import InvalidToken
from tests.accounts.helpers import at_once, caller_as, claims_of, serving, with_token
from tests.conftest import PASSWORD, Api, Cast, log_in
from tests.installation import ADMIN, Answer, Installation, Server
from tests.oauth.flow import Flow, make_client

GRACE = 10
ADDRESS = "198.51.100.7"
START = datetime.now(UTC) - timedelta(minutes=2)  # no token is from the future


@pytest.fixture
def with_grace(db: None) -> Iterator[None]:
    with serving("login", refresh_grace_seconds=GRACE):
        yield


def at(seconds: float, ip: str = ADDRESS) -> Origin:
    """From an address, so many seconds after the login."""
    return Origin(ip, "a-request", START + timedelta(seconds=seconds))


def logged_in(user: str = "alice") -> str:
    pair = sessions.log_in(identifier=user, password=PASSWORD, origin=at(0, "192.0.2.1")).tokens
    return pair.refresh_token


def refreshed(token: str, origin: Origin) -> TokenPair:
    return refreshing.refresh(token=token, origin=origin)


def assert_ends_session(token: str, origin: Origin) -> None:
    with pytest.raises(InvalidToken):
        refreshed(token, origin)
    assert Session.objects.get().ended_at is not None
    assert Event.objects.filter(name="refresh_token:reused").count() == 1


def is_good(access_token: str) -> bool:
    return bool(with_token(access_token).get("auth/me").status_code == 200)


@pytest.mark.usefixtures("with_grace")
def test_the_same_token_from_the_same_address_gets_the_same_successor_byte_for_byte(cast: Cast) -> None:
    old = logged_in()
    pairs = [refreshed(old, at(seconds)) for seconds in (1, 2, 1, 1 + GRACE - 0.001)]
    assert len({pair.refresh_token for pair in pairs}) == 1
    assert pairs[0].refresh_token != old
    refreshed(pairs[3].refresh_token, at(60))
    assert not Event.objects.filter(name="refresh_token:reused").exists()


@pytest.mark.usefixtures("with_grace")
def test_a_repeat_lengthens_neither_the_session_nor_the_grace(cast: Cast) -> None:
    old = logged_in()
    refreshed(old, at(1))
    before = Session.objects.values("last_seen_at", "expires_at", "refresh_digest").get()
    refreshed(old, at(1 + GRACE - 1))
    assert Session.objects.values("last_seen_at", "expires_at", "refresh_digest").get() == before
    assert_ends_session(old, at(1 + GRACE))


@pytest.mark.usefixtures("with_grace")
@pytest.mark.parametrize("other", ["198.51.100.8", "192.0.2.1", "2001:db8::7", ""])
@pytest.mark.requirement(35)
def test_the_same_token_from_another_address_ends_the_session(cast: Cast, other: str) -> None:
    old = logged_in()
    refreshed(old, at(1))
    assert_ends_session(old, at(1, other))


@pytest.mark.usefixtures("with_grace")
@pytest.mark.requirement(35)
def test_two_callers_of_unknown_address_are_not_the_same(cast: Cast) -> None:
    old = logged_in()
    refreshed(old, at(1, ""))
    assert_ends_session(old, at(1, ""))


@pytest.mark.usefixtures("with_grace")
@pytest.mark.requirement(35)
def test_reuse_after_the_successor_was_used_ends_the_session_within_the_grace_too(cast: Cast) -> None:
    old = logged_in()
    successor = refreshed(old, at(1)).refresh_token
    last = refreshed(successor, at(1)).refresh_token
    assert refreshed(successor, at(2)).refresh_token == last
    assert_ends_session(old, at(2))
    for token in (old, successor, last):
        with pytest.raises(InvalidToken):
            refreshed(token, at(3))


@pytest.mark.parametrize("seconds", [1, 0.5, 1.5])
@pytest.mark.requirement(35)
def test_without_a_grace_even_a_request_that_began_earlier_ends_the_session(
    cast: Cast, seconds: float
) -> None:
    old = logged_in()
    refreshed(old, at(1))
    assert_ends_session(old, at(seconds))


@pytest.mark.usefixtures("with_grace")
@pytest.mark.requirement(36)
def test_the_grace_does_not_outlive_a_logout(cast: Cast) -> None:
    old = logged_in()
    refreshed(old, at(1))
    sessions.end_session(caller=caller_as(cast.alice), session=Session.objects.select_related("user").get())
    with pytest.raises(InvalidToken):
        refreshed(old, at(1))


@pytest.mark.usefixtures("with_grace")
@pytest.mark.requirement(37)
def test_inactive_people_do_not_get_the_successor_again(cast: Cast) -> None:
    old = logged_in()
    refreshed(old, at(1))
    type(cast.alice).objects.filter(pk=cast.alice.pk).update(is_active=False)
    with pytest.raises(InvalidToken):
        refreshed(old, at(1))


@pytest.mark.usefixtures("with_grace")
def test_the_successor_cannot_be_told_from_the_old_token_without_the_secret_key(cast: Cast) -> None:
    old, other = logged_in(), logged_in("bob")
    ids = [claims_of(refreshed(token, at(1)).refresh_token)["jti"] for token in (old, other)]
    assert len(set(ids)) == 2 and all(len(each) == 32 for each in ids)
    assert claims_of(old)["jti"] not in ids


@pytest.mark.usefixtures("with_grace")
@pytest.mark.requirement(35)
def test_a_client_of_oauth2_has_no_grace(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    old = flow.tokens()["refresh_token"]
    successor = flow.refresh(old).json()["refresh_token"]
    assert flow.refresh(old).json()["error"] == "invalid_grant"
    assert flow.refresh(successor).json()["error"] == "invalid_grant"


@pytest.mark.usefixtures("with_grace")
@pytest.mark.django_db(transaction=True)
@pytest.mark.requirement(39)
def test_eight_simultaneous_refreshes_within_the_grace_get_exactly_one_successor(cast: Cast) -> None:
    for _ in range(3):
        old = log_in(cast.alice)["refresh_token"]
        answers = at_once(lambda _: Api().post("auth/refresh", {"refresh_token": old}), times=8)  # noqa: B023
        assert [answer.status_code for answer in answers] == [200] * 8
        assert all(is_good(answer.json()["access_token"]) for answer in answers)
        [successor] = {answer.json()["refresh_token"] for answer in answers}
        assert Api().post("auth/refresh", {"refresh_token": successor}).status_code == 200
    assert not Event.objects.filter(name="refresh_token:reused").exists()


@pytest.mark.requirement(39)
def test_two_servers_give_one_successor_and_its_use_ends_the_grace_at_both(
    installation: Installation, tmp_path: Path
) -> None:
    profile = tmp_path / "grace.toml"
    shipped = (SHIPPED / "keyhouse.toml").read_text()
    profile.write_text(shipped.replace("[login]", "[login]\nrefresh_grace_seconds = 60", 1))
    installation.settings["KEYHOUSE_PROFILE"] = str(profile)
    with ExitStack() as stack:
        servers = [stack.enter_context(installation.serve("--workers", "2")) for _ in range(2)]
        old = _log_in(servers[0])["refresh_token"]
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda number: _refresh(servers[number % 2], old), range(16)))
        assert [answer.status for answer in answers] == [200] * 16
        [successor] = {answer.json()["refresh_token"] for answer in answers}
        assert _refresh(servers[1], successor).status == 200
        assert _refresh(servers[0], old).status == 401
        assert _refresh(servers[1], successor).status == 401
    assert not [server for server in servers if "Traceback" in server.output]


def _log_in(server: Server) -> dict[str, str]:
    body = {"username": ADMIN["KEYHOUSE_ADMIN_USERNAME"], "password": ADMIN["KEYHOUSE_ADMIN_PASSWORD"]}
    answer: dict[str, str] = server.request("POST", "/api/v1/auth/login", body=body).json()
    return answer


def _refresh(server: Server, token: str) -> Answer:
    return server.request("POST", "/api/v1/auth/refresh", body={"refresh_token": token})
