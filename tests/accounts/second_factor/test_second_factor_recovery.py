"""Owners who read their mail but show no code lose their second factor after a wait, if profiles say so."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from msgspec.structs import replace

from access.principals import Caller
from accounts.mail.delivery import send_due
from accounts.models import Mail, RecoveryCode, SecondFactor, SecondFactorRecovery, User
from accounts.organizations.changes import OrganizationChanges
from accounts.organizations.services import update_organization
from accounts.second_factor.recovery import finish_recoveries
from accounts.second_factor.services import remove_second_factors
from accounts.users.changes import UserChanges
from accounts.users.services import update_user
from audit.models import Event
from config import profiles
from config.profiles import Profile
from tests.accounts.authenticator import caller_at, enrolled
from tests.accounts.helpers import at_once
from tests.accounts.mail.test_mailed_link_pages import Browser
from tests.accounts.mailbox import Mailbox, make_due, plain
from tests.accounts.passwords.test_password_reset import NEW, new_token
from tests.conftest import Api, Cast, add_user, assert_problem

PAGE = "/recovery"
WAITS = "The second factor of your account at Keyhouse will be removed"
WAIT = timedelta(days=7)


def with_recovery(days: int | None) -> Profile:
    """The active profile, with a wait of so many days, or without recovery."""
    file = profiles.active().file
    return Profile("test", replace(file, login=replace(file.login, second_factor_recovery_days=days)))


@pytest.fixture(autouse=True)
def opted_in(served_profile: Callable[[Profile], None]) -> None:
    """A profile that lets second factors be recovered by mailbox and a wait of a week."""
    served_profile(with_recovery(7))


def recover(user: User, mailbox: Mailbox) -> Any:
    """Reset a person's password, then press the button on the page after it."""
    answer = Browser(new_token(mailbox, user.email)).send(new_password=NEW)
    token = re.search(r"token=([0-9a-f]+)", answer["Location"])
    assert token is not None
    browser = Browser(token[1], PAGE)
    if 'name="second_factor"' not in browser.shown.content.decode():
        return browser.shown
    return browser.send(second_factor="")


def attempt(user: User, **more: Any) -> Any:
    """Log in with the password after the reset."""
    return Api().post("auth/login", {"username": user.username, "password": NEW, **more})


def make_old(user: User, days: int = 31) -> None:
    """Do as if the person's app and recovery codes were so many days old."""
    moment = timezone.now() - timedelta(days=days)
    SecondFactor.objects.filter(user=user).update(confirmed_at=moment)
    RecoveryCode.objects.filter(user=user).update(created_at=moment)


def let_the_wait_be_over() -> None:
    SecondFactorRecovery.objects.update(ends_at=timezone.now())


@pytest.mark.requirement(99)
def test_after_the_wait_the_owner_logs_in_with_the_password_alone(cast: Cast, mailbox: Mailbox) -> None:
    enrolled(cast.mallory)
    page = recover(cast.mallory, mailbox)
    assert "Your second factor will be removed on" in page.content.decode()
    assert_problem(attempt(cast.mallory), 401, "totp_required")
    assert finish_recoveries() == 0
    let_the_wait_be_over()
    assert finish_recoveries() == 1
    assert attempt(cast.mallory).status_code == 200
    event = Event.objects.get(name="second_factor:removed")
    assert (event.actor_kind, event.detail) == ("anonymous", {"by": "recovery"})


@pytest.mark.requirement(99)
def test_the_wait_is_as_long_as_the_profile_says(cast: Cast, mailbox: Mailbox) -> None:
    enrolled(cast.mallory)
    recover(cast.mallory, mailbox)
    wait = SecondFactorRecovery.objects.get()
    assert wait.ends_at - wait.started_at == WAIT


@pytest.mark.requirement(99)
def test_nobody_has_access_meanwhile(cast: Cast, mailbox: Mailbox) -> None:
    app = enrolled(cast.mallory)
    recover(cast.mallory, mailbox)
    for code in (app.code(), app.recovery_codes[0]):
        problem = assert_problem(attempt(cast.mallory, totp_code=code), 403, "second_factor_recovery")
        assert "Nobody can log in before then" in problem["detail"]
    assert Event.objects.filter(name="login:failed").latest("sequence").detail == {
        "reason": "second factor is being removed"
    }


@pytest.mark.parametrize(
    ("address", "identifier"),
    [("login-page", "identifier"), ("admin:login", "username"), ("oauth2-login", "identifier")],
)
def test_login_pages_spell_the_end_as_other_pages_do(
    cast: Cast, mailbox: Mailbox, address: str, identifier: str
) -> None:
    app = enrolled(cast.mallory)
    recover(cast.mallory, mailbox)
    sent = {identifier: "mallory", "password": NEW, "totp_code": app.code()}
    browser = Client(headers={"Accept": "text/html"})
    shown = browser.post(reverse(address), sent).content.decode()
    ends_at = SecondFactorRecovery.objects.get().ends_at
    assert f"will be removed on {ends_at:%-d %b %Y, %H:%M} UTC. Nobody" in shown


@pytest.mark.requirement(99)
def test_starting_the_wait_ends_sessions_and_consents(cast: Cast, mailbox: Mailbox) -> None:
    app = enrolled(cast.mallory)
    token = new_token(mailbox, cast.mallory.email)
    location = Browser(token).send(new_password=NEW)["Location"]
    answer = attempt(cast.mallory, totp_code=app.code())
    session = Api({"Authorization": f"Bearer {answer.json()['access_token']}"})
    assert session.get("auth/me").status_code == 200
    Browser(location.partition("=")[2], PAGE).send(second_factor="")
    assert_problem(session.get("auth/me"), 401, "invalid_token")


@pytest.mark.parametrize("kind", ["code", "recovery code"])
@pytest.mark.requirement(99)
def test_an_old_factor_stops_the_wait_and_lets_in(cast: Cast, mailbox: Mailbox, kind: str) -> None:
    app = enrolled(cast.mallory)
    make_old(cast.mallory)
    recover(cast.mallory, mailbox)
    code = app.code() if kind == "code" else app.recovery_codes[0]
    assert attempt(cast.mallory, totp_code=code).status_code == 200
    assert not SecondFactorRecovery.objects.exists()
    assert SecondFactor.objects.exists()
    event = Event.objects.get(name="second_factor_recovery:stopped")
    assert event.actor_id == str(cast.mallory.uuid)
    send_due()
    assert "A code stopped the removal of the second factor" in plain(mailbox.to(cast.mallory.email)[-1])


@pytest.mark.requirement(99)
def test_a_factor_counts_by_its_age_when_the_wait_began(cast: Cast, mailbox: Mailbox) -> None:
    app = enrolled(cast.mallory)
    make_old(cast.mallory, days=29)
    recover(cast.mallory, mailbox)
    later = timedelta(days=5)
    for moment in ("started_at", "ends_at"):
        value = getattr(SecondFactorRecovery.objects.get(), moment)
        SecondFactorRecovery.objects.update(**{moment: value - later})
    SecondFactor.objects.update(confirmed_at=timezone.now() - timedelta(days=29) - later)
    assert_problem(attempt(cast.mallory, totp_code=app.code()), 403, "second_factor_recovery")


@pytest.mark.requirement(99)
def test_recovery_codes_that_were_made_lately_stop_nothing(cast: Cast, mailbox: Mailbox) -> None:
    app = enrolled(cast.mallory)
    make_old(cast.mallory)
    RecoveryCode.objects.update(created_at=timezone.now() - timedelta(days=2))
    recover(cast.mallory, mailbox)
    refused = attempt(cast.mallory, totp_code=app.recovery_codes[0])
    assert_problem(refused, 403, "second_factor_recovery")
    assert attempt(cast.mallory, totp_code=app.code()).status_code == 200


def test_a_wrong_code_is_a_wrong_code_during_the_wait(cast: Cast, mailbox: Mailbox) -> None:
    enrolled(cast.mallory)
    recover(cast.mallory, mailbox)
    assert_problem(attempt(cast.mallory, totp_code="000000"), 401, "invalid_credentials")


def test_an_app_that_took_the_place_of_an_unconfirmed_one_is_as_old_as_its_confirmation(cast: Cast) -> None:
    enrolled(cast.mallory)
    device = SecondFactor.objects.get()
    assert device.confirmed_at is not None
    assert abs(device.confirmed_at - timezone.now()) < timedelta(hours=1)


def assert_refused(page: Any) -> None:
    assert "ask an administrator of Keyhouse to remove it" in page.content.decode()
    assert not SecondFactorRecovery.objects.exists()


def protect_by_flag(cast: Cast, operator: Caller) -> User:
    return update_user(caller=operator, user=cast.mallory, changes=UserChanges(must_have_second_factor=True))


def protect_by_organization(cast: Cast, operator: Caller) -> User:
    update_organization(
        caller=operator, organization=cast.acme, changes=OrganizationChanges(requires_second_factor=True)
    )
    return cast.bob


PROTECTED: dict[str, Callable[[Cast, Caller], User]] = {
    "a superuser": lambda cast, operator: add_user("root", is_superuser=True),
    "an administrator": lambda cast, operator: cast.ada,
    "an owner of an organization": lambda cast, operator: cast.alice,
    "must have one": protect_by_flag,
    "an organization requires one": protect_by_organization,
}


@pytest.mark.parametrize("who", PROTECTED)
@pytest.mark.requirement(99)
def test_the_second_factor_of_some_is_removed_by_administrators_alone(
    cast: Cast, operator: Caller, mailbox: Mailbox, who: str
) -> None:
    person = PROTECTED[who](cast, operator)
    enrolled(person)
    assert_refused(recover(person, mailbox))


@pytest.mark.requirement(99)
def test_a_profile_that_does_not_opt_in_has_no_recovery(
    cast: Cast, mailbox: Mailbox, served_profile: Callable[[Profile], None]
) -> None:
    served_profile(with_recovery(None))
    enrolled(cast.mallory)
    assert_refused(recover(cast.mallory, mailbox))


@pytest.mark.parametrize("who", ["must have one"])
@pytest.mark.requirement(99)
def test_a_person_who_may_no_longer_recover_at_the_end_keeps_the_factor(
    cast: Cast, operator: Caller, mailbox: Mailbox, who: str
) -> None:
    enrolled(cast.mallory)
    recover(cast.mallory, mailbox)
    PROTECTED[who](cast, operator)
    let_the_wait_be_over()
    assert finish_recoveries() == 0
    assert SecondFactor.objects.exists()
    assert not SecondFactorRecovery.objects.exists()


@pytest.mark.requirement(99)
def test_an_administrator_ends_the_wait_by_removing_the_factor(cast: Cast, mailbox: Mailbox) -> None:
    enrolled(cast.mallory)
    recover(cast.mallory, mailbox)
    remove_second_factors(caller=caller_at(cast.ada, datetime.now(UTC)), selected=[cast.mallory])
    assert attempt(cast.mallory).status_code == 200
    make_due()
    send_due()
    assert mailbox.subjects(cast.mallory.email).count(WAITS) == 0


@pytest.mark.requirement(99)
def test_the_owner_is_told_at_once_and_a_day_before_the_end(cast: Cast, mailbox: Mailbox) -> None:
    enrolled(cast.mallory)
    recover(cast.mallory, mailbox)
    send_due()
    assert mailbox.subjects(cast.mallory.email).count(WAITS) == 1
    waiting = Mail.objects.get(kind="second_factor_recovery")
    assert waiting.next_try_at == SecondFactorRecovery.objects.get().ends_at - timedelta(days=1)
    make_due()
    send_due()
    assert mailbox.subjects(cast.mallory.email).count(WAITS) == 2


def test_starting_twice_waits_once(cast: Cast, mailbox: Mailbox) -> None:
    enrolled(cast.mallory)
    recover(cast.mallory, mailbox)
    begun = SecondFactorRecovery.objects.get().started_at
    assert "Your second factor will be removed on" in recover(cast.mallory, mailbox).content.decode()
    assert SecondFactorRecovery.objects.get().started_at == begun


@pytest.mark.requirement(25)
def test_a_reset_alone_does_not_skip_the_second_factor(cast: Cast, mailbox: Mailbox) -> None:
    enrolled(cast.mallory)
    assert Browser(new_token(mailbox, cast.mallory.email)).send(new_password=NEW).status_code == 302
    assert_problem(attempt(cast.mallory), 401, "totp_required")


@pytest.mark.django_db(transaction=True)
def test_of_many_servers_that_finish_a_wait_at_once_one_removes_the_factor(
    cast: Cast, mailbox: Mailbox
) -> None:
    enrolled(cast.mallory)
    recover(cast.mallory, mailbox)
    let_the_wait_be_over()
    assert sorted(at_once(lambda number: finish_recoveries(), times=3)) == [0, 0, 1]
    assert Event.objects.filter(name="second_factor:removed").count() == 1
