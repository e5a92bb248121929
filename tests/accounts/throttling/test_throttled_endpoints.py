"""What is limited over HTTP, what its refusal looks like, and what goes on working."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import AttemptCount, Mail, User
from accounts.sessions.services import log_in as open_session
from audit.actors import Origin
from audit.models import Event
from config.limits import DEFAULTS, Limit
from tests.accounts.hashers import WatchedArgon2
from tests.accounts.helpers import serving
from tests.admin.helpers import log_in as log_in_to_admin
from tests.admin.helpers import text_of
from tests.conftest import PASSWORD, Api, Cast, as_user, assert_problem, log_in, make_key, with_key

pytestmark = pytest.mark.once

LOGIN = DEFAULTS[Limit.LOGIN]
FORGOT = DEFAULTS[Limit.FORGOT_PASSWORD]
HTML = {"Accept": "text/html"}


def attempt(username: Any = "alice", password: Any = "wrong", ip: str = "192.0.2.1", **headers: str) -> Any:
    body = {"username": username, "password": password}
    return Api(headers).post("auth/login", body, REMOTE_ADDR=ip)


def lock_out(username: str = "alice", ip: str = "192.0.2.1") -> None:
    statuses = [attempt(username, ip=ip).status_code for _ in range(LOGIN.here)]
    assert set(statuses) == {401}
    assert attempt(username, ip=ip).status_code == 429


def assert_too_many(response: Any, *, within: int) -> None:
    assert_problem(response, 429, "too_many_attempts")
    assert 0 < int(response.headers["Retry-After"]) <= within


@pytest.mark.requirement(9)
def test_a_login_that_failed_too_often_is_429_with_the_right_password_too(
    cast: Cast, hashing: type[WatchedArgon2]
) -> None:
    lock_out()
    hashing.computed = 0
    assert_too_many(attempt(password=PASSWORD), within=LOGIN.seconds)
    assert hashing.computed == 0


@pytest.mark.requirement(8)
def test_whether_there_is_an_account_makes_no_difference_to_its_limits(cast: Cast) -> None:
    known = [attempt("alice") for _ in range(LOGIN.here + 1)]
    unknown = [attempt("nobody", ip="192.0.2.2") for _ in range(LOGIN.here + 1)]
    assert [each.status_code for each in known] == [each.status_code for each in unknown]
    assert known[-1].content == unknown[-1].content


def queries(username: str, ip: str) -> int:
    """How many there are when a login with this name is refused at this address."""
    with CaptureQueriesContext(connection) as captured:
        assert attempt(username, ip=ip).status_code == 429
    return len(captured)


@pytest.mark.requirement(8)
def test_an_address_over_its_limit_is_refused_known_and_unknown_names_with_the_same_queries(
    cast: Cast,
) -> None:
    for number in range(LOGIN.address):
        assert attempt(f"nobody{number}").status_code == 401
    assert attempt("another").status_code == 429
    names = ["alice", "nobody at all", "bob", "charlie", "nobody else"]
    assert len({queries(name, "192.0.2.1") for name in names}) == 1


@pytest.mark.requirement(8)
def test_a_name_that_was_tried_everywhere_is_refused_with_the_same_queries_if_nobody_has_it(
    cast: Cast,
) -> None:
    names = {"alice": "198.51.100.1", "nobody": "198.51.100.2"}
    for name in names:
        for number in range(LOGIN.account):
            assert attempt(name, ip=f"203.0.113.{number}").status_code == 401
        AttemptCount.objects.filter(attempts__lt=LOGIN.account).delete()
    for _ in range(2):
        assert len({queries(name, ip) for name, ip in names.items()}) == 1


@pytest.mark.parametrize("name", ["ALICE", "ａｌｉｃｅ", " alice ", "al\u00adice"])  # noqa: RUF001
def test_another_spelling_of_a_name_is_no_other_account(cast: Cast, name: str) -> None:
    lock_out("alice")
    assert attempt(name).status_code == 429


@pytest.mark.requirement(9)
def test_a_forwarded_address_that_nobody_vouches_for_changes_nothing(cast: Cast) -> None:
    forged = [{"X-Forwarded-For": f"203.0.113.{number}"} for number in range(LOGIN.here + 3)]
    statuses = [attempt(**headers).status_code for headers in forged]
    assert statuses == [401] * LOGIN.here + [429] * 3


def test_clients_behind_a_trusted_proxy_are_told_apart(cast: Cast, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = ("192.0.2.1/32",)
    for _ in range(LOGIN.here + 1):
        last = attempt(**{"X-Forwarded-For": "203.0.113.1"})
    assert last.status_code == 429
    assert attempt(password=PASSWORD, **{"X-Forwarded-For": "203.0.113.2"}).status_code == 200


@pytest.mark.requirement(10)
def test_sessions_and_keys_of_an_account_that_is_locked_out_go_on_working(cast: Cast) -> None:
    pair, session, key = log_in(cast.alice), as_user(cast.alice), with_key(make_key(cast.alice, "keys:read"))
    browser = Client()
    log_in_to_admin(browser, "alice")
    lock_out(ip="127.0.0.1")
    assert session.get("auth/me").status_code == 200
    assert key.get("auth/me").status_code == 200
    assert browser.get("/admin/").status_code == 200
    assert Api().post("auth/refresh", {"refresh_token": pair["refresh_token"]}).status_code == 200


@pytest.mark.requirement(10)
def test_the_owner_logs_in_elsewhere_while_somebody_guesses(cast: Cast) -> None:
    lock_out()
    assert attempt(password=PASSWORD, ip="198.51.100.1").status_code == 200


@pytest.mark.requirement(10)
def test_the_owner_logs_in_where_they_are_logged_in_while_many_guess(cast: Cast) -> None:
    assert attempt(password=PASSWORD, ip="198.51.100.1").status_code == 200
    assert attempt("bob", password=PASSWORD, ip="198.51.100.2").status_code == 200
    for number in range(LOGIN.account):
        assert attempt(ip=f"203.0.113.{number}").status_code == 401
    assert_too_many(attempt(password=PASSWORD, ip="198.51.100.2"), within=LOGIN.seconds)
    assert attempt(password=PASSWORD, ip="198.51.100.1").status_code == 200


def test_after_the_wait_the_owner_logs_in(cast: Cast) -> None:
    lock_out()
    wait = int(attempt().headers["Retry-After"])
    later = Origin("192.0.2.1", "a-request", timezone.now() + timedelta(seconds=wait))
    assert open_session(identifier="alice", password=PASSWORD, origin=later).user == cast.alice


@pytest.mark.requirement(11)
def test_what_is_no_login_is_400_and_not_counted(cast: Cast) -> None:
    for identifier in (["alice"], {"a": 1}, None, 7, "x" * 5000):
        for _ in range(LOGIN.here):
            assert_problem(attempt(identifier), 400, "invalid")
    assert not AttemptCount.objects.exists()


def test_logging_in_rightly_is_never_too_often(cast: Cast) -> None:
    assert {attempt(password=PASSWORD).status_code for _ in range(LOGIN.address + 5)} == {200}


def test_an_auditor_sees_whose_account_was_under_attack(cast: Cast) -> None:
    lock_out()
    attempt()
    [event] = Event.objects.filter(name="attempt:throttled")
    assert (event.target_label, event.ip, event.detail["limit"]) == ("alice", "192.0.2.1", "login")
    assert event.subjects == [f"user:{cast.alice.uuid}"]
    assert Event.objects.filter(name="login:failed").count() == LOGIN.here


@pytest.mark.requirement(77)
def test_the_admin_has_the_same_limits_and_says_how_long_to_wait(cast: Cast) -> None:
    lock_out("ada", ip="127.0.0.1")
    page = log_in_to_admin(Client(headers=HTML), "ada")
    assert page.status_code == 429
    assert "Too many attempts. Try again in 15 minutes." in text_of(page)
    assert 0 < int(page.headers["Retry-After"]) <= LOGIN.seconds
    assert Client().get("/admin/login/").status_code == 200


@pytest.mark.requirement(77)
def test_what_fails_in_the_admin_counts_for_the_api(cast: Cast) -> None:
    for _ in range(LOGIN.here):
        assert log_in_to_admin(Client(), "ada", "wrong").status_code == 401
    assert attempt("ada", PASSWORD, ip="127.0.0.1").status_code == 429


def forget(email: str, ip: str = "192.0.2.1") -> Any:
    return Api().post("auth/forgot-password", {"email": email}, REMOTE_ADDR=ip)


@pytest.mark.requirement(44)
def test_a_forgotten_password_is_limited_per_address_of_mail(cast: Cast) -> None:
    from_many = [forget("alice@example.org", f"203.0.113.{number}") for number in range(FORGOT.account + 1)]
    assert [each.status_code for each in from_many[:-1]] == [200] * FORGOT.account
    assert_too_many(from_many[-1], within=FORGOT.seconds)
    assert Mail.objects.count() == FORGOT.account


@pytest.mark.requirement(44)
def test_a_forgotten_password_is_limited_per_client_address(cast: Cast) -> None:
    to_many = [forget(f"person{number}@example.org") for number in range(FORGOT.address + 1)]
    assert [each.status_code for each in to_many[:-1]] == [200] * FORGOT.address
    assert_too_many(to_many[-1], within=FORGOT.seconds)


@pytest.mark.requirement(40)
def test_known_and_unknown_addresses_get_the_same_answers_when_limited_too(cast: Cast) -> None:
    known = [forget("alice@example.org") for _ in range(FORGOT.here + 1)]
    unknown = [forget("nobody@example.org", "192.0.2.2") for _ in range(FORGOT.here + 1)]
    assert [each.content for each in known] == [each.content for each in unknown]
    assert [each.status_code for each in known] == [200] * FORGOT.here + [429]


def test_registration_is_limited_before_the_hash(cast: Cast, hashing: type[WatchedArgon2]) -> None:
    bounds = DEFAULTS[Limit.REGISTRATION]
    body = {"email": "eve@example.net", "password": "a boat for every harbour"}
    with serving("login", registration_role="member"):
        for _ in range(bounds.here):
            assert Api().post("auth/register", body).status_code == 202
        hashing.computed = 0
        assert_too_many(Api().post("auth/register", body), within=bounds.seconds)
        assert hashing.computed == 0


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("auth/reset-password", {"token": "0" * 64, "new_password": PASSWORD}),
        ("auth/confirm-email", {"token": "0" * 64}),
    ],
)
def test_mailed_tokens_are_tried_only_so_often_from_one_address(
    cast: Cast, path: str, body: dict[str, str]
) -> None:
    bounds = DEFAULTS[Limit.MAILED_TOKEN]
    with serving("login", registration_role="member"):
        for _ in range(bounds.address):
            assert Api().post(path, body).status_code == 400
        assert_too_many(Api().post(path, body), within=bounds.seconds)
        assert Api().post(path, body, REMOTE_ADDR="192.0.2.2").status_code == 400


def test_our_own_page_is_429_too_and_shows_how_long_to_wait(cast: Cast) -> None:
    form = {"token": "0" * 64, "new_password": PASSWORD}
    for _ in range(DEFAULTS[Limit.MAILED_TOKEN].address):
        assert Client(headers=HTML).post("/reset-password", form).status_code == 400
    page = Client(headers=HTML).post("/reset-password", form)
    assert page.status_code == 429
    assert 0 < int(page.headers["Retry-After"]) <= 900
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "Too many attempts" in text_of(page)


def test_a_stolen_session_does_not_find_the_password_out(cast: Cast, hashing: type[WatchedArgon2]) -> None:
    bounds, session = DEFAULTS[Limit.OWN_PASSWORD], as_user(cast.alice)
    guess = {"current_password": "wrong", "new_password": "a boat for every harbour"}
    for number in range(bounds.account):
        answer = session.post("auth/change-password", guess, REMOTE_ADDR=f"203.0.113.{number}")
        assert_problem(answer, 400, "invalid", "current_password")
    hashing.computed = 0
    assert_too_many(
        session.post("auth/change-password", guess | {"current_password": PASSWORD}), within=bounds.seconds
    )
    assert hashing.computed == 0
    assert User.objects.get(pk=cast.alice.pk).check_password(PASSWORD)
    [event] = Event.objects.filter(name="attempt:throttled")
    assert (event.actor_label, event.target_label) == ("alice", "alice")


@pytest.mark.parametrize("work", [lambda: attempt(), lambda: forget("alice@example.org")])
@pytest.mark.requirement(92)
def test_every_429_says_when_to_come_back(cast: Cast, work: Callable[[], Any]) -> None:
    answers = [work() for _ in range(LOGIN.here + 1)]
    assert_too_many(answers[-1], within=3600)
