"""The link that is mailed to a new address: how long it lives, and what ends it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from access.principals import Caller
from accounts.mail.link_tokens import CONFIRM_HOURS
from accounts.models import EmailChange, User
from accounts.users.changes import UserChanges
from accounts.users.services import delete_user, set_password, update_user
from tests.accounts.mail.test_email_change import DEAD, NEW, OLD, address_of, assert_dead, confirm, new_token
from tests.accounts.mail.test_mailed_link_pages import Browser
from tests.accounts.mailbox import Mailbox
from tests.accounts.passwords.test_password_reset import new_token as new_reset_token
from tests.accounts.passwords.test_password_reset import reset
from tests.conftest import PASSWORD, Cast, add_user, as_user, assert_problem


def test_a_link_lives_a_day(cast: Cast, mailbox: Mailbox) -> None:
    token = new_token(mailbox, cast.alice)
    assert EmailChange.objects.get().expires_at <= timezone.now() + timedelta(hours=CONFIRM_HOURS)
    EmailChange.objects.update(expires_at=timezone.now())
    assert_dead(token)


@pytest.mark.requirement(53)
def test_a_link_dies_with_the_password_and_with_the_account(
    cast: Cast, operator: Caller, mailbox: Mailbox
) -> None:
    another = "another walk to another lighthouse"

    def own_password(user: User) -> None:
        body = {"current_password": PASSWORD, "new_password": another}
        assert as_user(user).post("auth/change-password", body).status_code == 204

    def deactivated_and_back(user: User) -> None:
        for is_active in (False, True):
            update_user(caller=operator, user=user, changes=UserChanges(is_active=is_active))

    ways: dict[str, Callable[[User], object]] = {
        "own password": own_password,
        "reset": lambda user: reset(new_reset_token(mailbox, user.email), another),
        "password by an administrator": lambda u: set_password(caller=operator, user=u, password=another),
        "deactivation": deactivated_and_back,
        "address by an administrator": lambda u: update_user(
            caller=operator, user=u, changes=UserChanges(email="given@example.net")
        ),
        "deletion": lambda user: delete_user(caller=operator, user=user),
    }
    for number, (way, happen) in enumerate(ways.items()):
        user = add_user(f"person{number}")
        token = new_token(mailbox, user, f"new{number}@example.net")
        happen(user)
        assert confirm(token).status_code == 400, way
        assert not User.objects.filter(email=f"new{number}@example.net").exists(), way


@pytest.mark.requirement(42)
def test_a_link_to_a_new_password_dies_with_the_old_address(cast: Cast, mailbox: Mailbox) -> None:
    change = new_token(mailbox, cast.alice)
    password = new_reset_token(mailbox, OLD)
    assert confirm(change).status_code == 200
    assert_problem(reset(password), 400, "invalid", "token")


def test_the_sessions_of_the_person_live_on(cast: Cast, mailbox: Mailbox) -> None:
    alice = as_user(cast.alice)
    confirm(new_token(mailbox, cast.alice))
    assert alice.get("auth/me").json()["email"] == NEW


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.requirement(45)
def test_looking_at_the_link_changes_nothing_pressing_the_button_does(
    cast: Cast, mailbox: Mailbox, method: str
) -> None:
    browser = Browser(new_token(mailbox, cast.alice), "/confirm-email")
    getattr(browser.client, method)("/confirm-email", {"token": browser.hidden("token")})
    assert address_of(cast.alice) == OLD
    assert "is confirmed" in browser.send().content.decode()
    assert address_of(cast.alice) == NEW
    again = browser.send()
    assert (again.status_code, DEAD in again.content.decode()) == (400, True)


@pytest.mark.requirement(41)
def test_the_database_does_not_store_the_token(cast: Cast, mailbox: Mailbox) -> None:
    token = new_token(mailbox, cast.alice)
    row = EmailChange.objects.get()
    assert len(token) * 4 >= 128
    assert len(bytes(row.digest or b"")) == 32
    assert token not in str(row.__dict__)
