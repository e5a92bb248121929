"""For a week after a change of address, a link at the old one gives it back and begins recovery."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from access.principals import Caller
from accounts.mail.delivery import send_due
from accounts.models import EmailUndo, User
from accounts.users.changes import UserChanges
from accounts.users.services import update_user
from audit.models import Event
from tests.accounts.helpers import at_once
from tests.accounts.mail.test_email_change import CHANGED, confirm, new_token
from tests.accounts.mail.test_mailed_link_pages import Browser
from tests.accounts.mailbox import Mailbox, plain, token_in
from tests.accounts.passwords.test_password_reset import SUBJECT, reset
from tests.conftest import PASSWORD, Api, Cast, add_user, assert_problem, log_in
from tests.oauth.flow import Flow, gateway, make_client

OLD, STOLEN = "alice@example.org", "alice@elsewhere.example"
PAGE = "/undo-email-change"
DEAD = "This link is wrong, used or expired"
THEIRS = "a walk that an intruder takes"


def change(mailbox: Mailbox, user: User, new: str = STOLEN) -> None:
    """Change a person's address, knowing the password."""
    assert confirm(new_token(mailbox, user, new)).status_code == 200
    send_due()


def undo_token(mailbox: Mailbox, address: str = OLD) -> str:
    """The token of the link that came to an old address."""
    return token_in([mail for mail in mailbox.to(address) if mail["Subject"] == CHANGED][-1])


def undo(token: str) -> str:
    """Press the button behind the link and return what the page says."""
    return str(Browser(token, PAGE).send().content.decode())


def address_of(user: User) -> str:
    return User.objects.get(pk=user.pk).email


def test_the_old_address_gets_a_link_and_the_new_one_gets_none(cast: Cast, mailbox: Mailbox) -> None:
    change(mailbox, cast.alice)
    assert undo_token(mailbox)
    assert PAGE not in plain(mailbox.to(STOLEN)[-1])


def test_the_link_gives_the_address_back_and_mails_a_link_to_a_new_password(
    cast: Cast, mailbox: Mailbox
) -> None:
    change(mailbox, cast.alice)
    assert "The address is yours again" in undo(undo_token(mailbox))
    assert address_of(cast.alice) == OLD
    send_due()
    assert mailbox.subjects(OLD)[-1] == SUBJECT
    assert reset(token_in(mailbox.to(OLD)[-1])).status_code == 200


def test_the_link_logs_the_intruder_out_everywhere(cast: Cast, mailbox: Mailbox) -> None:
    change(mailbox, cast.alice)
    pair, tokens = log_in(cast.alice), Flow(make_client(), cast.alice).tokens()
    undo(undo_token(mailbox))
    session = Api({"Authorization": f"Bearer {pair['access_token']}"})
    assert_problem(session.get("auth/me"), 401, "invalid_token")
    assert gateway(tokens["access_token"]) == 401
    answer = Api().post("auth/login", {"username": "alice", "password": PASSWORD})
    assert_problem(answer, 401, "invalid_credentials")


def test_a_link_from_before_a_second_change_undoes_both(cast: Cast, mailbox: Mailbox) -> None:
    change(mailbox, cast.alice)
    first = undo_token(mailbox)
    change(mailbox, cast.alice, "alice@third.example")
    second = undo_token(mailbox, STOLEN)
    undo(first)
    assert address_of(cast.alice) == OLD
    assert DEAD in undo(second)
    assert address_of(cast.alice) == OLD


def test_a_link_is_good_once_and_for_seven_days(cast: Cast, mailbox: Mailbox) -> None:
    change(mailbox, cast.alice)
    token = undo_token(mailbox)
    week = timedelta(days=7)
    assert EmailUndo.objects.get().expires_at <= timezone.now() + week
    undo(token)
    assert DEAD in undo(token)
    change(mailbox, add_user("dora"), "dora@elsewhere.example")
    EmailUndo.objects.update(expires_at=timezone.now())
    assert DEAD in undo(undo_token(mailbox, "dora@example.org"))


def test_a_new_password_does_not_end_the_link(cast: Cast, operator: Caller, mailbox: Mailbox) -> None:
    change(mailbox, cast.alice)
    update_user(caller=operator, user=cast.alice, changes=UserChanges(password=THEIRS))
    assert "yours again" in undo(undo_token(mailbox))


def test_looking_at_the_link_changes_nothing(cast: Cast, mailbox: Mailbox) -> None:
    change(mailbox, cast.alice)
    page = Client().get(PAGE, {"token": undo_token(mailbox)})
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert address_of(cast.alice) == STOLEN


def test_an_address_that_somebody_else_has_by_now_is_not_given_back(cast: Cast, mailbox: Mailbox) -> None:
    change(mailbox, cast.alice)
    other = add_user("other")
    User.objects.filter(pk=other.pk).update(email=OLD, email_key=OLD)
    token = undo_token(mailbox)
    assert "another account now uses" in undo(token)
    assert address_of(cast.alice) == STOLEN
    log_in(cast.alice)
    User.objects.filter(pk=other.pk).update(email="other@example.org", email_key="other@example.org")
    assert "yours again" in undo(token)


def test_an_address_that_an_administrator_changed_has_a_notice_and_no_link(
    cast: Cast, operator: Caller, mailbox: Mailbox
) -> None:
    update_user(caller=operator, user=cast.alice, changes=UserChanges(email=STOLEN))
    send_due()
    assert mailbox.subjects(OLD) == [CHANGED]
    assert PAGE not in plain(mailbox.to(OLD)[-1])


def test_a_deactivated_account_stays_as_it_is(cast: Cast, operator: Caller, mailbox: Mailbox) -> None:
    change(mailbox, cast.alice)
    update_user(caller=operator, user=cast.alice, changes=UserChanges(is_active=False))
    assert DEAD in undo(undo_token(mailbox))


def test_what_was_undone_is_recorded(cast: Cast, mailbox: Mailbox) -> None:
    change(mailbox, cast.alice)
    undo(undo_token(mailbox))
    events = list(Event.objects.filter(detail__by="undo link").order_by("sequence"))
    assert [event.name for event in events] == ["user:changed", "password:changed"]
    assert {event.target_id for event in events} == {str(cast.alice.uuid)}


@pytest.mark.django_db(transaction=True)
def test_when_many_use_a_link_at_once_one_succeeds(cast: Cast, mailbox: Mailbox) -> None:
    change(mailbox, cast.alice)
    token = undo_token(mailbox)
    pages = at_once(lambda number: undo(token), times=4)
    assert sorted("yours again" in page for page in pages) == [False, False, False, True]
