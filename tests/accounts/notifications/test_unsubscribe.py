"""One link in each mail turns mails about keys off, without a login, except security mails."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.notifications.unsubscribe import link_of
from audit.events import EventName
from audit.models import Event
from tests.accounts.mailbox import Mailbox, html, plain
from tests.apikeys.notices.telling import DAY, expire, expiring, send
from tests.conftest import Cast, make_key

NOW = timezone.now()
PAGE = "/unsubscribe"


@pytest.fixture
def mail(cast: Cast, mailbox: Mailbox) -> Any:
    expire(make_key(cast.alice), NOW + 60 * DAY, made=NOW)
    expiring(NOW + 31 * DAY)
    send()
    return mailbox.mails[0]


@pytest.fixture
def browser() -> Client:
    return Client(enforce_csrf_checks=True)


def chosen(user: User) -> list[str]:
    kinds: list[str] = User.objects.get(pk=user.pk).notifications
    return kinds


def path_of(link: str) -> str:
    return link.partition("//")[2].partition("/")[2].join(["/", ""])


@pytest.mark.requirement(122)
def test_a_mail_program_posts_to_the_link_in_the_header(cast: Cast, mail: Any, browser: Client) -> None:
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    (link,) = re.findall(r"<(http\S+)>", "".join(str(mail["List-Unsubscribe"]).split()))
    assert link in plain(mail) and link in html(mail)
    done = browser.post(path_of(link), {"List-Unsubscribe": "One-Click"})
    assert done.status_code == 200 and not done.cookies
    assert chosen(cast.alice) == ["new_network"]
    (event,) = Event.objects.filter(name=EventName.USER_CHANGED)
    assert event.detail == {"members": ["notifications"], "by": "link in a mail"}
    assert browser.post(path_of(link)).status_code == 200
    assert Event.objects.filter(name=EventName.USER_CHANGED).count() == 1


@pytest.mark.requirement(122)
def test_a_visit_changes_nothing_and_shows_a_button(cast: Cast, browser: Client) -> None:
    page = browser.get(path_of(link_of(cast.alice)))
    assert page.status_code == 200 and page.headers["Referrer-Policy"] == "no-referrer"
    assert "Security mails go on" in page.content.decode()
    assert chosen(cast.alice) == ["expiring", "unused", "new_network"]
    token = link_of(cast.alice).partition("token=")[2]
    assert f'value="{token}"' in page.content.decode()
    done = browser.post(PAGE, {"token": token})
    assert "The mails are turned off." in done.content.decode()
    assert chosen(cast.alice) == ["new_network"]


@pytest.mark.requirement(122)
def test_a_link_that_nobody_signed_changes_nothing(cast: Cast, browser: Client) -> None:
    token = link_of(cast.alice).partition("token=")[2]
    other = link_of(cast.bob).partition("token=")[2]
    forged = token[:32] + other[32:]
    for wrong in ("", "x", "0" * 64, forged, token[:-1], token + "0", token.upper(), "é" * 64, "\0"):
        for sent in ({"token": wrong}, {}):
            answer = browser.post(f"{PAGE}?token={'' if sent else 'x'}", sent)
            assert answer.status_code == 400, wrong
    assert chosen(cast.alice) == ["expiring", "unused", "new_network"]


def test_a_link_of_a_person_who_is_gone_is_refused(cast: Cast, browser: Client) -> None:
    link = link_of(cast.mallory)
    User.objects.filter(pk=cast.mallory.pk).delete()
    assert browser.post(path_of(link)).status_code == 400
