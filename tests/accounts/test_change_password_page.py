"""/change-password: somebody who knows the present password takes another, logged in or not."""

import re
from threading import Barrier
from typing import Any, ClassVar

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.mail.messages import MailKind
from accounts.models import Mail, PasswordReset, Session, User
from audit.events import EventName
from audit.models import Event
from oauth.models import Consent
from tests.accounts.authenticator import enrolled
from tests.accounts.helpers import at_once
from tests.accounts.mailbox import Mailbox
from tests.accounts.passwords.test_password_reset import new_token
from tests.conftest import PASSWORD, Cast, log_in
from tests.logins import browser
from tests.oauth.flow import Flow, make_client, text_of
from tests.running.hashers import FastArgon2

PAGE = "/change-password"
NEW = "another walk to another lighthouse"


def change(page: Client | None = None, /, **values: str) -> Any:
    sent = {"identifier": "alice", "password": PASSWORD, "new_password": NEW} | values
    return (page or Client(headers={"Accept": "text/html"})).post(PAGE, sent)


def test_all_that_acts_as_the_person_ends_and_the_owner_is_told(cast: Cast, mailbox: Mailbox) -> None:
    new_token(mailbox)
    log_in(cast.ada)
    admin, flow = browser(cast.ada), Flow(make_client(), cast.alice)
    flow.code()
    log_in(cast.alice)
    assert "Your password is changed" in change().content.decode()
    assert not Session.objects.filter(user=cast.alice, ended_at=None).exists()
    assert Session.objects.filter(user=cast.ada, ended_at=None).exists()
    assert not Consent.objects.exists() and not PasswordReset.objects.exists()
    assert Mail.objects.get(kind=MailKind.PASSWORD_CHANGED).address == cast.alice.email
    [event] = Event.objects.filter(name=EventName.PASSWORD_CHANGED)
    assert (event.actor_id, event.detail) == (str(cast.alice.uuid), {"by": "page"})
    assert change().status_code == 401
    assert change(password=NEW, new_password=PASSWORD).status_code == 200
    assert change(identifier="ada").status_code == 200
    assert admin.get("/admin/").status_code == 302


class Meeting(FastArgon2):
    """A request that has checked a password waits until the other one has."""

    gate: ClassVar[Barrier] = Barrier(2)

    def verify(self, password: str, encoded: str) -> bool:
        is_right = super().verify(password, encoded)
        self.gate.wait(timeout=30)
        return is_right


@pytest.mark.django_db(transaction=True)
def test_when_two_change_one_password_at_once_one_succeeds(cast: Cast, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = [f"{__name__}.Meeting"]
    new = [NEW, "a third walk to a third lighthouse"]
    answers = at_once(lambda number: change(new_password=new[number]), times=2)
    statuses = [answer.status_code for answer in answers]
    assert sorted(statuses) == [200, 401]
    assert "The name or the password is wrong." in text_of(answers[statuses.index(401)])
    stored = User.objects.get(pk=cast.alice.pk).password
    assert FastArgon2().verify(new[statuses.index(200)], stored)
    assert Event.objects.filter(name=EventName.PASSWORD_CHANGED).count() == 1
    assert Mail.objects.filter(kind=MailKind.PASSWORD_CHANGED).count() == 1


@pytest.mark.requirement(9)
def test_it_has_the_limits_of_a_login_and_counts_with_it(cast: Cast) -> None:
    assert [change(password="wrong").status_code for _ in range(11)] == [401] * 10 + [429]
    assert change().status_code == 429
    flow = Flow(make_client(), cast.alice)
    assert flow.log_in(flow.address()).status_code == 429


def test_it_does_not_reveal_who_has_an_account(cast: Cast) -> None:
    User.objects.filter(pk=cast.bob.pk).update(is_active=False)
    asked: tuple[dict[str, str], ...] = (
        {"password": "wrong"},
        {"identifier": "nobody"},
        {"identifier": "bob"},
    )
    for new in (NEW, "alice alice alice", "short"):
        answers = [change(**each, new_password=new) for each in asked]
        assert {(each.status_code, text_of(each)) for each in answers} == {(401, text_of(answers[0]))}
        assert "The name or the password is wrong." in text_of(answers[0])


@pytest.mark.parametrize("new", ["short", "alice walks to a lighthouse", "x" * 1025, "", "\0" * 20])
def test_a_new_password_that_breaks_the_rules_changes_nothing(new: str, cast: Cast) -> None:
    session = log_in(cast.alice)
    assert change(new_password=new).status_code == 400
    assert session and Session.objects.filter(ended_at=None).exists()
    assert change().status_code == 200


@pytest.mark.requirement(22)
def test_a_second_factor_is_asked_for(cast: Cast) -> None:
    app = enrolled(cast.alice)
    assert change().status_code == 401
    assert change(totp_code="000000").status_code == 401
    code = app.code()
    assert change(totp_code=code, new_password="short").status_code == 400
    assert change(totp_code=code).status_code == 200, "the refused password spent the code"
    assert change(totp_code=code, password=NEW, new_password=PASSWORD).status_code == 401


def test_who_knows_the_password_alone_leaves_a_trace(cast: Cast) -> None:
    enrolled(cast.alice)
    change(new_password="short")
    change()
    names = [EventName.PASSWORD_REFUSED, EventName.LOGIN_FAILED]
    reasons = Event.objects.filter(name__in=names).order_by("pk").values_list("detail", flat=True)
    assert list(reasons) == [{"reason": "new password"}, {"reason": "no code"}]


def test_a_foreign_page_cannot_send_the_form(cast: Cast) -> None:
    page = Client(enforce_csrf_checks=True, headers={"Accept": "text/html"})
    token = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', page.get(PAGE).content.decode())
    assert token
    assert change(page).status_code == 403
    page.defaults["HTTP_ORIGIN"] = "https://evil.example"
    assert change(page, csrfmiddlewaretoken=token[1]).status_code == 403
    page.defaults["HTTP_ORIGIN"] = "null"  # as browsers say under Referrer-Policy: no-referrer
    assert change(page, csrfmiddlewaretoken=token[1]).status_code == 200
