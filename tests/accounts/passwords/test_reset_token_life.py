"""When the token of a mailed link is good: once, for an hour, until something overtakes it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from access.principals import Caller
from accounts.mail.delivery import send_due
from accounts.models import PasswordReset, User
from accounts.users.changes import UserChanges
from accounts.users.services import set_password, update_user
from tests.accounts.hashers import WatchedArgon2
from tests.accounts.helpers import at_once
from tests.accounts.mailbox import Mailbox
from tests.accounts.passwords.test_password_reset import ALICE, NEW, assert_dead, can_log_in, new_token, reset
from tests.conftest import Cast, assert_problem

pytestmark = pytest.mark.requirement(42)


def test_a_token_is_good_once(cast: Cast, mailbox: Mailbox) -> None:
    token = new_token(mailbox)
    assert reset(token).status_code == 200
    assert_dead(token)


def test_a_token_lives_an_hour_at_the_most(cast: Cast, mailbox: Mailbox) -> None:
    token = new_token(mailbox)
    assert PasswordReset.objects.get().expires_at <= timezone.now() + timedelta(hours=1)
    PasswordReset.objects.update(expires_at=timezone.now())
    assert_dead(token)


def test_a_token_dies_with_a_newer_one(cast: Cast, mailbox: Mailbox) -> None:
    older, newer = new_token(mailbox), new_token(mailbox)
    assert_dead(older)
    assert reset(newer).status_code == 200


def test_a_token_dies_with_another_password(cast: Cast, operator: Caller, mailbox: Mailbox) -> None:
    token = new_token(mailbox)
    set_password(caller=operator, user=cast.alice, password="a third walk to the lighthouse")
    assert_dead(token)


def test_a_token_dies_with_another_address(cast: Cast, mailbox: Mailbox) -> None:
    token = new_token(mailbox)
    alice = User.objects.get(pk=cast.alice.pk)
    alice.email = "alice@elsewhere.example"
    alice.save()
    assert_dead(token)


def test_a_token_dies_with_deactivation_and_stays_dead(
    cast: Cast, operator: Caller, mailbox: Mailbox
) -> None:
    token = new_token(mailbox)
    update_user(caller=operator, user=cast.alice, changes=UserChanges(is_active=False))
    assert_dead(token)
    update_user(caller=operator, user=cast.alice, changes=UserChanges(is_active=True))
    assert_dead(token)


def test_a_token_is_dead_for_somebody_deactivated_in_the_database_itself(
    cast: Cast, mailbox: Mailbox
) -> None:
    token = new_token(mailbox)
    User.objects.filter(pk=cast.alice.pk).update(is_active=False)
    assert_dead(token)


@pytest.mark.django_db(transaction=True)
def test_when_many_use_a_token_at_once_one_succeeds(cast: Cast, mailbox: Mailbox) -> None:
    token = new_token(mailbox)
    passwords = [f"a walk to lighthouse number {number}" for number in range(6)]
    statuses = at_once(lambda number: reset(token, passwords[number]).status_code, times=6)
    assert sorted(statuses) == [200, 400, 400, 400, 400, 400]
    assert [can_log_in(password) for password in passwords] == [status == 200 for status in statuses]
    send_due()
    assert mailbox.subjects(ALICE).count("Your password at Keyhouse was changed") == 1


def test_a_token_that_is_spent_while_a_password_is_hashed_is_spent(
    cast: Cast, mailbox: Mailbox, hashing: type[WatchedArgon2]
) -> None:
    token = new_token(mailbox)
    hashing.meanwhile = lambda: reset(token)
    assert_problem(reset(token, "a third walk to the lighthouse"), 400, "invalid", "token")
    assert can_log_in(NEW)
