"""Registration creates an account once the person proves the address; nobody learns who has an account."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.principals import Caller
from accounts.mail.delivery import Round, send_due
from accounts.mail.link_tokens import CONFIRM_HOURS
from accounts.models import Mail, Registration, User
from accounts.users.services import create_user
from audit.models import Event
from tests.accounts.helpers import at_once, serving, statements
from tests.accounts.mail.test_mailed_link_pages import Browser
from tests.accounts.mailbox import Mailbox, html, make_due, plain, token_in
from tests.conftest import PASSWORD, Api, Cast, assert_problem

EVE = "eve@example.net"
ALICE = "alice@example.org"
MALLORYS = "a password of somebody else"


@pytest.fixture(autouse=True)
def open_registration() -> Iterator[None]:
    with serving("login", registration_role="member"):
        yield


def register(email: str = EVE, password: str = PASSWORD, *, ip: str = "127.0.0.1", **more: Any) -> Any:
    body = {"email": email, "password": password, **more}
    return Api().post("auth/register", body, REMOTE_ADDR=ip)


def confirm(token: str, password: str = PASSWORD, *, ip: str = "127.0.0.1") -> Any:
    return Api().post("auth/confirm-email", {"token": token, "password": password}, REMOTE_ADDR=ip)


def new_token(mailbox: Mailbox, **more: Any) -> str:
    assert register(**more).status_code == 202
    send_due()
    return token_in(mailbox.to(EVE)[-1])


def log_in(email: str = EVE, password: str = PASSWORD) -> Any:
    return Api().post("auth/login", {"email": email, "password": password})


def test_who_registers_and_follows_the_link_can_log_in(cast: Cast, mailbox: Mailbox) -> None:
    token = new_token(mailbox, name="Eve")
    assert log_in().status_code == 401
    assert not User.objects.filter(email=EVE).exists()
    answer = confirm(token)
    assert (answer.status_code, list(answer.json())) == (200, ["message"])
    answer = log_in()
    assert answer.status_code == 200
    user = answer.json()["user"]
    assert (user["email"], user["name"], user["role"], user["username"]) == (EVE, "Eve", "member", None)
    assert not Registration.objects.exists()


def test_the_page_behind_the_link_confirms_by_its_button_not_by_being_seen(
    cast: Cast, mailbox: Mailbox
) -> None:
    browser = Browser(new_token(mailbox), "/confirm-email")
    assert not User.objects.filter(email=EVE).exists()
    assert "is confirmed" in browser.send(password=PASSWORD).content.decode()
    assert log_in().status_code == 200
    again = browser.send(password=PASSWORD)
    assert again.status_code == 400
    assert "This link is wrong, used or expired" in again.content.decode()


def answer_and_work(email: str) -> tuple[int, bytes, list[str]]:
    with CaptureQueriesContext(connection) as captured:
        answer = register(email)
    return answer.status_code, answer.content, [" ".join(sql.split()[:3]) for sql in statements(captured)]


def test_a_taken_address_gets_the_same_answer_for_the_same_work(cast: Cast, mailbox: Mailbox) -> None:
    free = answer_and_work(EVE)
    assert free[:2] == (202, b'{"message":"A mail is on its way. Follow the link in it."}')
    assert answer_and_work(ALICE) == free
    assert mailbox.mails == []


def test_the_owner_of_a_taken_address_is_told_and_keeps_the_password(cast: Cast, mailbox: Mailbox) -> None:
    register(ALICE.upper(), MALLORYS)
    assert send_due() == Round(sent=1)
    (mail,) = mailbox.to(ALICE)
    assert mail["Subject"] == "You have an account at Keyhouse"
    assert "token=" not in plain(mail) + html(mail)
    assert log_in(ALICE).status_code == 200
    assert not Registration.objects.exists()


def test_closed_registration_is_404(cast: Cast) -> None:
    with serving("login", registration_role=""):
        assert_problem(register(), 404, "not_found")
        assert_problem(register(email="nonsense"), 404, "not_found")
    assert not Mail.objects.exists()


def test_a_link_is_dead_once_registration_is_closed(cast: Cast, mailbox: Mailbox) -> None:
    token = new_token(mailbox)
    with serving("login", registration_role=""):
        assert_problem(confirm(token), 400, "invalid", "token")
    assert not User.objects.filter(email=EVE).exists()


@pytest.mark.parametrize("email", [EVE, ALICE])
@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("email", "nonsense"),
        ("email", None),
        ("password", "short"),
        ("password", "password" * 3),
        ("password", EVE + ALICE),
        ("name", "a\nb"),
        ("name", "x" * 101),
        ("role", "admin"),
        ("is_superuser", True),
        ("is_active", True),
        ("organization", "Acme"),
    ],
)
@pytest.mark.requirement(48)
def test_bad_and_extra_members_are_refused_by_name(cast: Cast, email: str, member: str, value: Any) -> None:
    answer = register(**{"email": email, member: value})
    assert_problem(answer, 400, "invalid", member)
    assert not Mail.objects.exists()
    assert not Registration.objects.exists()


def test_the_password_is_hashed_and_the_token_digested_at_rest(cast: Cast, mailbox: Mailbox) -> None:
    token = new_token(mailbox)
    row = Registration.objects.get()
    assert row.password.startswith("argon2")
    assert len(bytes(row.digest or b"")) == 32
    assert token not in str(row.__dict__)


def test_a_link_lives_a_day(cast: Cast, mailbox: Mailbox) -> None:
    token = new_token(mailbox)
    assert Registration.objects.get().expires_at <= timezone.now() + timedelta(hours=CONFIRM_HOURS)
    Registration.objects.update(expires_at=timezone.now())
    assert_problem(confirm(token), 400, "invalid", "token")


def test_registrations_that_nobody_confirmed_are_forgotten(cast: Cast, mailbox: Mailbox) -> None:
    new_token(mailbox)
    Registration.objects.update(expires_at=timezone.now())
    register("frank@example.net")
    send_due()
    assert [row.email for row in Registration.objects.all()] == ["frank@example.net"]


def test_an_account_that_was_made_meanwhile_stays_as_it_is(
    cast: Cast, operator: Caller, mailbox: Mailbox
) -> None:
    token = new_token(mailbox)
    create_user(caller=operator, email=EVE, role="auditor", password="made by the administrator")
    assert_problem(confirm(token), 400, "invalid", "token")
    assert log_in(password="made by the administrator").json()["user"]["role"] == "auditor"


@pytest.mark.django_db(transaction=True)
def test_when_many_use_a_link_at_once_one_succeeds(cast: Cast, mailbox: Mailbox) -> None:
    token = new_token(mailbox)
    statuses = at_once(lambda _: confirm(token).status_code, times=6)
    assert sorted(statuses) == [200, 400, 400, 400, 400, 400]
    assert User.objects.filter(email=EVE).count() == 1


@pytest.mark.django_db(transaction=True)
def test_many_registrations_of_one_address_at_once_make_one_account(cast: Cast, mailbox: Mailbox) -> None:
    assert at_once(lambda _: register().status_code, times=6) == [202] * 6
    make_due()
    send_due()
    assert Registration.objects.count() == len(mailbox.to(EVE)) == 6
    tokens = [token_in(mail) for mail in mailbox.to(EVE)]
    assert sorted(confirm(token).status_code for token in tokens) == [200, *[400] * 5]


def test_a_new_person_is_recorded_as_their_own_maker(cast: Cast, mailbox: Mailbox) -> None:
    confirm(new_token(mailbox))
    event = Event.objects.filter(name="user:created").latest("sequence")
    user = User.objects.get(email=EVE)
    assert (event.actor_id, event.target_id) == (str(user.uuid),) * 2
    assert event.detail == {"role": "member", "by": "registration"}


@pytest.mark.parametrize("token", ["", "x", "0" * 64, "0" * 1000, None, 7, "\ud800"])
def test_what_is_no_token_of_ours_is_refused_by_name(cast: Cast, token: Any) -> None:
    assert_problem(confirm(token), 400, "invalid", "token")
