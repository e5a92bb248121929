"""Limits on attempts: each attempt is counted exactly, and before the password is hashed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from accounts.models import AttemptCount
from accounts.throttling.services import attempt, succeeded
from audit.actors import Origin
from audit.models import Event
from config.limits import DEFAULTS, Bounds, Limit, limits
from config.wire.errors import TooManyAttempts
from tests.accounts.helpers import at_once
from tests.conftest import Api, Cast

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
LOGIN = DEFAULTS[Limit.LOGIN]
HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7"


@pytest.fixture(params=["database", "valkey"], autouse=True)
def store(request: pytest.FixtureRequest, settings: Settings) -> None:
    """Each test counts in the database, and then again in a real Valkey."""
    if request.param == "valkey":
        settings.VALKEY_URL = request.getfixturevalue("valkey")


def origin(ip: str = HOME, *, after: float = 0) -> Origin:
    return Origin(ip, "a-request", NOW + timedelta(seconds=after))


def passes(subject: str = "alice", ip: str = HOME, *, after: float = 0, limit: Limit = Limit.LOGIN) -> bool:
    try:
        attempt(limit, subject=subject, origin=origin(ip, after=after))
    except TooManyAttempts:
        return False
    return True


def refusal(subject: str = "alice", ip: str = HOME, *, after: float = 0) -> TooManyAttempts:
    with pytest.raises(TooManyAttempts) as raised:
        attempt(Limit.LOGIN, subject=subject, origin=origin(ip, after=after))
    return raised.value


def address(number: int) -> str:
    return f"203.0.113.{number}"


def fail_at(*addresses: str, subject: str = "alice") -> list[bool]:
    return [passes(subject, ip) for ip in addresses]


def test_one_account_can_be_tried_so_often_from_one_address(db: None) -> None:
    assert [passes() for _ in range(LOGIN.here + 2)] == [True] * LOGIN.here + [False] * 2
    assert passes("bob")
    assert passes("alice", ELSEWHERE)


def test_one_account_can_be_tried_so_often_from_anywhere(db: None) -> None:
    assert fail_at(*map(address, range(LOGIN.account + 2))) == [True] * LOGIN.account + [False] * 2
    assert passes("bob", address(200))


@pytest.mark.requirement(9)
def test_twenty_accounts_tried_from_one_address_are_enough(db: None) -> None:
    assert LOGIN.address == 20
    assert [passes(f"person {number}") for number in range(22)] == [True] * 20 + [False] * 2
    assert passes("person 1", ELSEWHERE)


def test_a_person_who_is_refused_at_one_address_does_not_lock_the_account_elsewhere(db: None) -> None:
    assert [passes() for _ in range(LOGIN.account * 3)].count(True) == LOGIN.here
    assert passes("alice", ELSEWHERE)


@pytest.mark.requirement(24)
def test_codes_are_counted_per_person_wherever_they_are_tried(db: None) -> None:
    most = DEFAULTS[Limit.CODE].account
    tries = [passes("a uuid", address(number), limit=Limit.CODE) for number in range(most + 2)]
    assert tries == [True] * most + [False] * 2
    assert passes("another uuid", limit=Limit.CODE)


def test_each_limit_has_counters_of_its_own(db: None) -> None:
    for _ in range(LOGIN.here):
        passes()
    assert not passes()
    assert all(passes(limit=limit) for limit in Limit if limit is not Limit.LOGIN)


@pytest.mark.requirement(92)
def test_the_answer_says_in_how_many_seconds_the_window_ends(db: None) -> None:
    for second in range(LOGIN.here):
        assert passes(after=second)
    assert refusal(after=10).retry_after == LOGIN.seconds - 10
    assert refusal(after=10.9).retry_after == LOGIN.seconds - 10
    assert refusal(after=LOGIN.seconds - 1).retry_after == 1
    assert passes(after=LOGIN.seconds)


def test_attempts_that_are_refused_do_not_make_the_wait_longer(db: None) -> None:
    for _ in range(LOGIN.here):
        passes()
    for second in range(1, 50):
        assert refusal(after=second).retry_after == LOGIN.seconds - second
    assert passes(after=LOGIN.seconds)


def test_the_wait_is_that_for_the_last_of_several_counters(db: None) -> None:
    for number in range(LOGIN.address):
        passes(f"person {number % 2}", after=0)
    assert refusal("person 0", after=5).retry_after == LOGIN.seconds - 5
    fail_at(*map(address, range(LOGIN.account)), subject="carol")
    assert refusal("carol", after=7).retry_after == LOGIN.seconds - 7


def test_after_a_window_the_same_number_passes_again_and_no_more(db: None) -> None:
    for _ in range(LOGIN.here * 2):
        passes()
    assert [passes(after=LOGIN.seconds) for _ in range(LOGIN.here + 1)] == [True] * LOGIN.here + [False]


def test_a_success_forgets_the_failures_of_the_account_at_this_address(db: None) -> None:
    for _ in range(LOGIN.here):
        assert passes()
    succeeded(Limit.LOGIN, subject="alice", origin=origin())
    assert [passes() for _ in range(LOGIN.here + 1)] == [True] * LOGIN.here + [False]


def test_a_success_does_not_forget_the_failures_of_others_at_the_address(db: None) -> None:
    """Otherwise an attacker with an account would log in now and then to go on guessing at others'."""
    for number in range(LOGIN.address - 1):
        assert passes(f"person {number}")
    for _ in range(LOGIN.address):
        assert passes("mallory")
        succeeded(Limit.LOGIN, subject="mallory", origin=origin())
    assert passes("one more")
    assert not passes("another")


def test_a_success_does_not_forget_the_failures_of_the_account_elsewhere(db: None) -> None:
    fail_at(*map(address, range(LOGIN.account - 1)))
    assert passes("alice", HOME)
    succeeded(Limit.LOGIN, subject="alice", origin=origin())
    assert passes("alice", ELSEWHERE)
    assert not passes("alice", address(250))


def test_a_success_never_makes_room_in_a_later_window(db: None) -> None:
    assert passes()
    for _ in range(LOGIN.here):
        assert passes(after=LOGIN.seconds)
    succeeded(Limit.LOGIN, subject="alice", origin=origin())
    assert not passes(after=LOGIN.seconds)


def test_logins_that_succeed_are_not_limited(db: None) -> None:
    for number in range(LOGIN.account * 2):
        assert passes(f"person {number}")
        succeeded(Limit.LOGIN, subject=f"person {number}", origin=origin())
    assert [passes() for _ in range(LOGIN.here + 1)] == [True] * LOGIN.here + [False]


def test_an_owner_at_home_is_not_locked_out_by_attempts_from_elsewhere(db: None) -> None:
    def at_home(ip: str) -> None:
        attempt(Limit.LOGIN, subject="alice", origin=origin(ip), is_at_home=lambda: True)

    fail_at(*map(address, range(LOGIN.account)))
    assert not passes("alice", HOME)
    for _ in range(LOGIN.here):
        at_home(HOME)
    with pytest.raises(TooManyAttempts):
        at_home(HOME)


def test_the_addresses_of_an_ipv6_site_are_one(db: None) -> None:
    for number in range(LOGIN.here):
        assert passes(ip=f"2001:db8:1:2:{number:x}::1")
    assert not passes(ip="2001:db8:1:2:ffff:ffff:ffff:ffff")
    assert passes(ip="2001:db8:1:3::1")


def test_no_address_at_all_counts_as_one(db: None) -> None:
    assert [passes(ip="") for _ in range(LOGIN.here + 1)] == [True] * LOGIN.here + [False]


@pytest.mark.parametrize(
    "subject", ["x" * 5000, "Zoë 🗝", "\0" * 9, "\ud800", "'; DROP TABLE accounts_user; --", ""]
)
def test_any_text_can_name_an_account(db: None, subject: str) -> None:
    assert [passes(subject) for _ in range(LOGIN.here + 1)] == [True] * LOGIN.here + [False]
    assert passes(subject + "x")


def test_a_search_through_accounts_is_one_event_a_minute(db: None) -> None:
    for _ in range(LOGIN.here + 50):
        passes()
    [event] = Event.objects.filter(name="attempt:throttled")
    assert (event.actor_kind, event.ip, event.detail) == ("anonymous", HOME, {"limit": "login", "by": "here"})


@pytest.mark.requirement(64)
def test_an_unreadable_hop_does_not_use_up_the_attempts_of_its_proxy(cast: Cast, settings: Settings) -> None:
    settings.LIMITS, settings.TRUSTED_PROXIES = limits(["login.here=2"]), ("10.0.0.1",)

    def log_in(forwarded: str) -> int:
        body = {"username": "alice", "password": "wrong"}
        headers = {"X-Forwarded-For": forwarded} if forwarded else {}
        return int(Api().post("auth/login", body, headers=headers, REMOTE_ADDR="10.0.0.1").status_code)

    assert [log_in("unknown") for _ in range(3)] == [401, 401, 429]
    assert log_in("") == log_in("203.0.113.9:51234") == 401


def test_a_limit_of_the_operator_counts(db: None, settings: Settings) -> None:
    settings.LIMITS = limits(["login.here=2"])
    assert [passes() for _ in range(3)] == [True, True, False]


@pytest.mark.django_db(transaction=True)
@pytest.mark.requirement(9)
def test_of_many_at_once_exactly_as_many_pass_as_may(settings: Settings) -> None:
    settings.LIMITS = limits(["login.here=5"])
    assert at_once(lambda _: passes(), times=24).count(True) == 5
    assert at_once(lambda _: passes(), times=12).count(True) == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.requirement(9)
def test_of_many_from_everywhere_at_once_exactly_as_many_pass_as_may(settings: Settings) -> None:
    settings.LIMITS = limits(["login.account=7"])
    assert at_once(lambda number: passes("alice", address(number)), times=24).count(True) == 7


@pytest.mark.django_db(transaction=True)
def test_counting_crosswise_at_once_does_not_deadlock(settings: Settings) -> None:
    """Each holds one row and waits for another: no deadlock, whatever the order of their digests."""

    def come_and_go(number: int) -> Any:
        for turn in range(8):
            subject, ip = f"person {(number + turn) % 3}", address(number * turn % 3)
            if passes(subject, ip):
                succeeded(Limit.LOGIN, subject=subject, origin=origin(ip))
        return True

    settings.LIMITS = limits(["login.here=100", "login.account=100", "login.address=100"])
    assert all(at_once(come_and_go, times=12))
    assert [passes("person 0", address(0)) for _ in range(101)] == [True] * 100 + [False]


def test_a_limit_without_numbers_counts_nothing(db: None, settings: Settings) -> None:
    settings.LIMITS = {**settings.LIMITS, Limit.LOGIN: Bounds(60)}
    for _ in range(100):
        attempt(Limit.LOGIN, subject="alice", origin=Origin.here())
    succeeded(Limit.LOGIN, subject="alice", origin=Origin.here())
    assert not AttemptCount.objects.exists()
