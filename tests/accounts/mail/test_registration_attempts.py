"""Several registrations of one address: each its own link and password, and not too many of them."""

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from accounts.mail.delivery import Round, send_due
from accounts.models import Mail, Registration, User
from config.limits import DEFAULTS, Limit, limits
from tests.accounts.hashers import WatchedArgon2
from tests.accounts.helpers import at_once, serving
from tests.accounts.mail.test_mailed_link_pages import Browser
from tests.accounts.mail.test_registration import ALICE, EVE, MALLORYS, confirm, log_in, new_token, register
from tests.accounts.mailbox import Mailbox, token_in
from tests.accounts.throttling.test_throttled_endpoints import assert_too_many
from tests.conftest import PASSWORD, Api, Cast, assert_problem

FRANK = "frank@example.net"


@pytest.fixture(autouse=True)
def open_registration() -> Iterator[None]:
    with serving("login", registration_role="member"):
        yield


@pytest.mark.parametrize("stranger_is_first", [False, True])
@pytest.mark.requirement(100)
def test_each_link_confirms_only_with_the_password_of_its_own_registration(
    cast: Cast, mailbox: Mailbox, stranger_is_first: bool
) -> None:
    passwords = [MALLORYS, PASSWORD] if stranger_is_first else [PASSWORD, MALLORYS]
    links = {password: new_token(mailbox, password=password) for password in passwords}
    problem = assert_problem(confirm(links[MALLORYS]), 400, "invalid", "password")
    assert "register again" in problem["detail"]
    assert_problem(confirm(links[PASSWORD], MALLORYS), 400, "invalid", "password")
    assert not User.objects.filter(email=EVE).exists()
    assert confirm(links[PASSWORD]).status_code == 200
    assert (log_in().status_code, log_in(password=MALLORYS).status_code) == (200, 401)


@pytest.mark.requirement(100)
def test_the_page_asks_for_the_password_and_a_wrong_one_spends_nothing(cast: Cast, mailbox: Mailbox) -> None:
    browser = Browser(new_token(mailbox, password=MALLORYS), "/confirm-email")
    wrong = browser.send(password=PASSWORD)
    assert wrong.status_code == 400
    assert "register again" in wrong.content.decode()
    assert PASSWORD not in wrong.content.decode()
    assert wrong.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in wrong.headers["Cache-Control"]
    assert "is required" in browser.send().content.decode()
    assert browser.send(password="x" * 1025).status_code == 400
    assert not User.objects.filter(email=EVE).exists()
    assert browser.send(password=MALLORYS).status_code == 200


def test_a_confirmed_registration_ends_the_others_of_its_address_alone(cast: Cast, mailbox: Mailbox) -> None:
    first, second = new_token(mailbox), new_token(mailbox, password=MALLORYS)
    register(FRANK)
    assert confirm(first).status_code == 200
    assert_problem(confirm(second, MALLORYS), 400, "invalid", "token")
    assert [row.email for row in Registration.objects.all()] == [FRANK]


def test_a_mail_that_waits_brings_the_link_of_its_own_registration(cast: Cast, mailbox: Mailbox) -> None:
    register()
    register(password=MALLORYS)
    assert send_due() == Round(sent=2)
    own, foreign = (token_in(mail) for mail in mailbox.to(EVE))
    assert_problem(confirm(foreign), 400, "invalid", "password")
    assert confirm(own).status_code == 200


@pytest.mark.parametrize(
    "body", [{}, *({"password": wrong} for wrong in ("", None, ["a"], "x" * 5000, "\ud800"))]
)
def test_a_registration_is_not_confirmed_without_its_password(
    cast: Cast, mailbox: Mailbox, body: dict[str, Any]
) -> None:
    token = new_token(mailbox)
    answer = Api().post("auth/confirm-email", {"token": token, **body})
    assert_problem(answer, 400, "invalid", "password")
    assert confirm(token).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_many_links_of_one_address_that_are_used_at_once_one_succeeds(
    cast: Cast, mailbox: Mailbox
) -> None:
    tokens = [new_token(mailbox) for _ in range(6)]
    statuses = at_once(lambda number: confirm(tokens[number]).status_code, times=6)
    assert sorted(statuses) == [200, 400, 400, 400, 400, 400]
    assert User.objects.filter(email=EVE).count() == 1
    assert not Registration.objects.exists()


def test_strangers_fill_neither_a_mailbox_nor_the_table(cast: Cast, settings: Settings) -> None:
    settings.LIMITS = limits(["registration_daily.account=3"])
    within = settings.LIMITS[Limit.REGISTRATION_DAILY].seconds
    for email in (EVE, ALICE):  # of whom Alice has an account
        numbers = [register(email, ip=f"192.0.2.{number}").status_code for number in range(3)]
        assert numbers == [202] * 3
        assert_too_many(register(email, ip="192.0.2.7"), within=within)
    assert Registration.objects.count() == Mail.objects.count() == 6


@pytest.mark.requirement(100)
def test_guesses_at_the_password_of_a_link_are_limited_before_the_hash(
    cast: Cast, mailbox: Mailbox, hashing: type[WatchedArgon2]
) -> None:
    token, other = new_token(mailbox), new_token(mailbox)
    bounds = DEFAULTS[Limit.CONFIRMATION]
    for number in range(bounds.account):
        assert_problem(confirm(token, MALLORYS, ip=f"192.0.2.{number}"), 400, "invalid", "password")
    hashing.computed = 0
    assert_too_many(confirm(token, ip="192.0.2.99"), within=bounds.seconds)
    assert hashing.computed == 0
    assert confirm(other).status_code == 200
