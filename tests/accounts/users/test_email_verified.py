"""email_verified: true only if a link that was mailed to the address came back."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from accounts.users.changes import UserChanges
from accounts.users.services import set_password, update_user
from tests.accounts import inviting
from tests.accounts.helpers import caller_as
from tests.accounts.mail import test_email_change, test_email_undo, test_registration
from tests.accounts.mail.test_registration import open_registration as open_registration
from tests.accounts.mailbox import Mailbox
from tests.accounts.passwords.test_password_reset import new_token, reset
from tests.conftest import Cast

NEW = test_email_change.NEW


def is_verified(email: str) -> bool:
    return User.objects.values_list("email_verified", flat=True).get(email=email)


def registered(cast: Cast, mailbox: Mailbox) -> str:
    assert test_registration.confirm(test_registration.new_token(mailbox)).status_code == 200
    return test_registration.EVE


def invited_anew(cast: Cast, mailbox: Mailbox) -> str:
    assert inviting.accept(inviting.invited(cast, mailbox)).status_code == 200
    return inviting.EVE


def invited_with_an_account(cast: Cast, mailbox: Mailbox) -> str:
    token = inviting.invited(cast, mailbox, inviting.MALLORY)
    assert inviting.accept(token, None).status_code == 200
    return inviting.MALLORY


def reset_by_mail(cast: Cast, mailbox: Mailbox) -> str:
    assert reset(new_token(mailbox)).status_code == 200
    return cast.alice.email


def changed_by_mail(cast: Cast, mailbox: Mailbox) -> str:
    token = test_email_change.new_token(mailbox, cast.alice)
    assert test_email_change.confirm(token).status_code == 200
    return NEW


def undone_by_mail(cast: Cast, mailbox: Mailbox) -> str:
    test_email_undo.change(mailbox, cast.alice)
    assert "yours again" in test_email_undo.undo(test_email_undo.undo_token(mailbox))
    return cast.alice.email


def typed_by_an_administrator(cast: Cast, mailbox: Mailbox) -> str:
    return cast.mallory.email


def changed_by_an_administrator(cast: Cast, mailbox: Mailbox) -> str:
    reset_by_mail(cast, mailbox)
    update_user(caller=caller_as(cast.ada), user=cast.alice, changes=UserChanges(email=NEW))
    return NEW


def spelled_otherwise_by_an_administrator(cast: Cast, mailbox: Mailbox) -> str:
    reset_by_mail(cast, mailbox)
    update_user(caller=caller_as(cast.ada), user=cast.alice, changes=UserChanges(email="Alice@example.org"))
    return "Alice@example.org"


def invited_under_another_spelling(cast: Cast, mailbox: Mailbox) -> str:
    """Mail servers may tell upper from lower case (RFC 5321 section 2.4)."""
    token = inviting.invited(cast, mailbox, inviting.MALLORY.capitalize())
    assert inviting.accept(token, None).status_code == 200
    return inviting.MALLORY


def asked_for_and_not_confirmed(cast: Cast, mailbox: Mailbox) -> str:
    test_email_change.new_token(mailbox, cast.alice)
    new_token(mailbox)
    return cast.alice.email


def given_another_password_by_an_administrator(cast: Cast, mailbox: Mailbox) -> str:
    set_password(caller=caller_as(cast.ada), user=cast.alice, password="a password of the administrator")
    return cast.alice.email


WAYS: dict[Callable[[Cast, Mailbox], str], bool] = {
    registered: True,
    invited_anew: True,
    invited_with_an_account: True,
    reset_by_mail: True,
    changed_by_mail: True,
    undone_by_mail: True,
    typed_by_an_administrator: False,
    changed_by_an_administrator: False,
    spelled_otherwise_by_an_administrator: False,
    invited_under_another_spelling: False,
    asked_for_and_not_confirmed: False,
    given_another_password_by_an_administrator: False,
}


@pytest.mark.parametrize(("way", "verified"), WAYS.items(), ids=[way.__name__ for way in WAYS])
def test_an_address_is_verified_if_its_link_came_back(
    way: Callable[[Cast, Mailbox], str],
    verified: bool,
    cast: Cast,
    mailbox: Mailbox,
    open_registration: Any,
    tried_often: None,
) -> None:
    assert is_verified(way(cast, mailbox)) is verified
