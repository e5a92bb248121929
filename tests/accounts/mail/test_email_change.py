"""Another e-mail address: asked for with the password, done by a link mailed there, told at the old one."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.mail.delivery import send_due
from accounts.models import EmailChange, Mail, User
from accounts.users.changes import UserChanges
from accounts.users.services import update_user
from audit.models import Event
from tests.accounts.helpers import at_once, caller_as, statements
from tests.accounts.mailbox import Mailbox, html, plain, token_in
from tests.conftest import PASSWORD, Api, Cast, add_user, as_user, assert_problem, make_key, with_key

OLD = "alice@example.org"
NEW = "alice@elsewhere.example"
REQUESTED = "A new e-mail address for your account at Keyhouse"
CHANGED = "Your e-mail address at Keyhouse was changed"
DEAD = "This link is wrong, used or expired"


def ask(user: User, new: str = NEW, current: str = PASSWORD) -> Any:
    return as_user(user).post("auth/change-email", {"new_email": new, "current_password": current})


def confirm(token: str) -> Any:
    return Api().post("auth/confirm-email", {"token": token})


def new_token(mailbox: Mailbox, user: User, new: str = NEW) -> str:
    assert ask(user, new).status_code == 202
    send_due()
    return token_in(mailbox.to(new)[-1])


def address_of(user: User) -> str:
    return User.objects.get(pk=user.pk).email


def assert_dead(token: str) -> None:
    assert_problem(confirm(token), 400, "invalid", "token")


@pytest.mark.requirement(53)
def test_the_address_changes_once_the_new_one_is_confirmed(cast: Cast, mailbox: Mailbox) -> None:
    token = new_token(mailbox, cast.alice)
    assert address_of(cast.alice) == OLD
    answer = confirm(token)
    assert (answer.status_code, list(answer.json())) == (200, ["message"])
    assert address_of(cast.alice) == NEW
    login = {"email": NEW, "password": PASSWORD}
    assert Api().post("auth/login", login).status_code == 200
    assert Api().post("auth/login", login | {"email": OLD}).status_code == 401
    assert_dead(token)


@pytest.mark.requirement(16, 53)
def test_the_owner_is_told_at_the_old_address_at_once_and_at_both_when_it_is_done(
    cast: Cast, mailbox: Mailbox
) -> None:
    token = new_token(mailbox, cast.alice)
    assert mailbox.subjects(OLD) == [REQUESTED]
    confirm(token)
    send_due()
    assert mailbox.subjects(OLD) == [REQUESTED, CHANGED]
    assert mailbox.subjects(NEW)[1:] == [CHANGED]
    for mail in mailbox.to(OLD):
        links = re.findall(r"https?://[^/]+(\S+)\?token=", plain(mail) + html(mail))
        assert set(links) <= {"/undo-email-change"}
        assert NEW not in plain(mail) + html(mail)


@pytest.mark.requirement(16)
def test_the_owner_is_told_at_both_addresses_what_an_administrator_changed(
    cast: Cast, mailbox: Mailbox
) -> None:
    answer = as_user(cast.ada).patch(f"users/{cast.alice.uuid}", {"email": NEW})
    assert answer.status_code == 200
    send_due()
    assert mailbox.subjects(OLD) == mailbox.subjects(NEW) == [CHANGED]
    as_user(cast.ada).patch(f"users/{cast.alice.uuid}", {"email": NEW, "name": "Alice A"})
    send_due()
    assert len(mailbox.mails) == 2


@pytest.mark.parametrize("current", ["something else", PASSWORD.upper(), f"{PASSWORD} "])
@pytest.mark.requirement(53)
def test_without_the_current_password_nothing_is_asked_for(cast: Cast, current: str) -> None:
    assert_problem(ask(cast.alice, current=current), 400, "invalid", "current_password")
    assert not Mail.objects.exists()
    assert not EmailChange.objects.exists()
    assert Event.objects.filter(name="password:refused", target_id=str(cast.alice.uuid)).exists()


@pytest.mark.parametrize(
    ("body", "member"),
    [
        ({}, "new_email"),
        ({"new_email": NEW}, "current_password"),
        ({"new_email": "nonsense", "current_password": PASSWORD}, "new_email"),
        ({"new_email": ["x"], "current_password": PASSWORD}, "new_email"),
        ({"new_email": f"{'x' * 5000}@example.org", "current_password": PASSWORD}, "new_email"),
        ({"new_email": "a\u200bb@example.org", "current_password": PASSWORD}, "new_email"),
        ({"new_email": OLD, "current_password": PASSWORD}, "new_email"),
        ({"new_email": NEW, "current_password": PASSWORD, "user": "bob"}, "user"),
    ],
)
def test_what_is_wrong_is_named(cast: Cast, body: dict[str, Any], member: str) -> None:
    assert_problem(as_user(cast.alice).post("auth/change-email", body), 400, "invalid", member)
    assert not Mail.objects.exists()


def test_neither_a_key_nor_an_anonymous_caller_changes_an_address(cast: Cast) -> None:
    body = {"new_email": NEW, "current_password": PASSWORD}
    program = with_key(make_key(cast.ada, "users:write"))
    assert_problem(program.post("auth/change-email", body), 403, "not_allowed")
    assert_problem(Api().post("auth/change-email", body), 401, "not_authenticated")


def test_a_taken_address_gets_the_same_answer_for_the_same_work(cast: Cast, mailbox: Mailbox) -> None:
    found = []
    for address in (NEW, "bob@example.org"):
        alice = as_user(cast.alice)
        EmailChange.objects.all().delete()
        with CaptureQueriesContext(connection) as captured:
            answer = alice.post("auth/change-email", {"new_email": address, "current_password": PASSWORD})
        shape = [" ".join(sql.split()[:3]) for sql in statements(captured)]
        found.append((answer.status_code, answer.content, shape))
    assert found[0] == found[1]
    assert found[0][0] == 202


def test_whose_address_it_is_gets_the_news_and_no_link(cast: Cast, mailbox: Mailbox) -> None:
    assert ask(cast.alice, "BOB@example.org").status_code == 202
    send_due()
    (mail,) = mailbox.to("bob@example.org")
    assert mail["Subject"] == "You have an account at Keyhouse"
    assert "token=" not in plain(mail) + html(mail)
    assert not EmailChange.objects.exists()


@pytest.mark.requirement(52)
def test_an_account_that_takes_the_address_meanwhile_keeps_it_and_stays_unnamed(
    cast: Cast, mailbox: Mailbox
) -> None:
    token = new_token(mailbox, cast.alice)
    add_user("eve")
    User.objects.filter(username="eve").update(email=NEW.upper(), email_key=NEW)
    problem = assert_problem(confirm(token), 400, "invalid", "token")
    assert "taken" not in str(problem)
    assert address_of(cast.alice) == OLD


def test_the_same_address_in_another_case_is_ones_own(cast: Cast, mailbox: Mailbox) -> None:
    assert confirm(new_token(mailbox, cast.alice, "Alice@Example.org")).status_code == 200
    assert address_of(cast.alice) == "Alice@Example.org"


@pytest.mark.requirement(52)
def test_an_address_in_full_width_letters_is_the_one_it_looks_like(cast: Cast, mailbox: Mailbox) -> None:
    assert ask(cast.alice, "\uff42\uff4f\uff42@example.org").status_code == 202
    send_due()
    assert mailbox.subjects("bob@example.org") == ["You have an account at Keyhouse"]


def test_a_newer_wish_replaces_an_older_one(cast: Cast, mailbox: Mailbox) -> None:
    older = new_token(mailbox, cast.alice)
    newer = new_token(mailbox, cast.alice, "alice@third.example")
    assert_dead(older)
    assert confirm(newer).status_code == 200
    assert address_of(cast.alice) == "alice@third.example"


def test_a_mail_that_waited_while_the_wish_was_replaced_brings_nothing(cast: Cast, mailbox: Mailbox) -> None:
    assert ask(cast.alice).status_code == 202
    assert ask(cast.alice, "alice@third.example").status_code == 202
    send_due()
    assert mailbox.to(NEW) == []
    assert confirm(token_in(mailbox.to("alice@third.example")[0])).status_code == 200


def test_what_happens_is_recorded(cast: Cast, mailbox: Mailbox) -> None:
    confirm(new_token(mailbox, cast.alice))
    asked = Event.objects.get(name="email_change:requested")
    done = Event.objects.get(name="user:changed")
    for event in (asked, done):
        assert (event.actor_id, event.target_id) == (str(cast.alice.uuid),) * 2
    assert done.detail == {"members": ["email"], "by": "mailed link"}


@pytest.mark.django_db(transaction=True)
def test_when_many_use_a_link_at_once_one_succeeds(cast: Cast, mailbox: Mailbox) -> None:
    token = new_token(mailbox, cast.alice)
    assert sorted(at_once(lambda _: confirm(token).status_code, times=6)) == [200, *[400] * 5]


@pytest.mark.django_db(transaction=True)
@pytest.mark.requirement(52)
def test_when_many_want_one_address_at_once_one_gets_it(cast: Cast, mailbox: Mailbox) -> None:
    people = [cast.alice, cast.bob, cast.charlie, cast.mallory]
    tokens = [new_token(mailbox, user) for user in people]
    statuses = at_once(lambda number: confirm(tokens[number]).status_code, times=4)
    assert sorted(statuses) == [200, 400, 400, 400]
    assert User.objects.filter(email=NEW).get() == people[statuses.index(200)]


@pytest.mark.django_db(transaction=True)
def test_a_link_and_a_deactivation_at_once_leave_no_link(cast: Cast, mailbox: Mailbox) -> None:
    token = new_token(mailbox, cast.alice)
    caller = caller_as(cast.ada)

    def race(number: int) -> int:
        if number:
            return int(confirm(token).status_code)
        update_user(caller=caller, user=cast.alice, changes=UserChanges(is_active=False))
        return 0

    assert set(at_once(race, times=2)) <= {0, 200, 400}
    assert not EmailChange.objects.exists()
    assert not User.objects.get(pk=cast.alice.pk).is_active
