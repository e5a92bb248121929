"""Forms that show a secret once, sent twice: one after the other, and at the same moment."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from audit.events import EventName
from audit.models import Event
from tests.accounts.helpers import at_once
from tests.admin.helpers import ticket_of
from tests.conftest import Cast
from tests.console.helpers import console_of, text_of
from tests.logins import browser
from tests.webhooks.helpers import new_webhook
from webhooks.models import Webhook

URL = "https://hooks.example.org/"
SECRET = re.compile(r'id="new-secret">(whsec_[^<]+)<')
CLIENTS = 4

on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has one writer at a time"
)


def rotations() -> int:
    return Event.objects.filter(name=EventName.WEBHOOK_ROTATED).count()


def page_of(row: Webhook) -> str:
    assert row.organization is not None
    return reverse("console-webhook", args=[row.organization.uuid, row.uuid])


@pytest.mark.requirement(152)
def test_a_form_that_is_sent_twice_replaces_the_secret_once(cast: Cast) -> None:
    row, alice = new_webhook(cast.ada, URL, cast.acme).row, console_of(cast.alice)
    form = {"action": "rotate", **ticket_of(alice, page_of(row))}
    [shown] = SECRET.findall(text_of(alice.post(page_of(row), form)).replace("&#x3D;", "="))
    again = alice.post(page_of(row), form, follow=True)
    assert again.redirect_chain == [(page_of(row), 302)]
    assert "This form was sent before" in text_of(again) and not SECRET.search(text_of(again))
    row.refresh_from_db()
    assert row.secrets(row.created_at)[0] == shown and rotations() == 1
    assert SECRET.search(text_of(alice.post(page_of(row), form | ticket_of(alice, page_of(row)))))


@pytest.mark.parametrize("ticket", [{}, {"ticket": "forged"}], ids=["none", "forged"])
def test_a_form_that_has_expired_replaces_nothing_and_says_so(cast: Cast, ticket: dict[str, str]) -> None:
    row, alice = new_webhook(cast.ada, URL, cast.acme).row, console_of(cast.alice)
    answer = alice.post(page_of(row), {"action": "rotate", **ticket}, follow=True)
    assert "This form has expired. Open it again." in text_of(answer)
    assert rotations() == 0


@on_postgresql
@pytest.mark.requirement(152)
@pytest.mark.django_db(transaction=True)
def test_a_form_sent_twice_at_the_same_moment_replaces_the_secret_once(cast: Cast) -> None:
    row, browsers = (
        new_webhook(cast.ada, URL, cast.acme).row,
        [console_of(cast.alice) for _ in range(CLIENTS)],
    )
    form = {"action": "rotate", **ticket_of(browsers[0], page_of(row))}
    answers = at_once(lambda number: browsers[number].post(page_of(row), form), times=CLIENTS)
    assert sorted(answer.status_code for answer in answers) == [200, *[302] * (CLIENTS - 1)]
    [shown] = SECRET.findall("".join(map(text_of, answers)).replace("&#x3D;", "="))
    row.refresh_from_db()
    assert row.secrets(row.created_at)[0] == shown and rotations() == 1


def in_console(cast: Cast) -> list[tuple[Client, str]]:
    path = reverse("console-webhook-new", args=[cast.acme.uuid])
    return [(console_of(cast.alice), path) for _ in range(CLIENTS)]


def in_admin(cast: Cast) -> list[tuple[Client, str]]:
    return [(browser(cast.ada), reverse("admin:webhooks_webhook_add")) for _ in range(CLIENTS)]


@on_postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("pages", [in_console, in_admin])
def test_a_form_sent_twice_at_the_same_moment_sets_up_one_webhook(
    cast: Cast, pages: Callable[[Cast], Any]
) -> None:
    opened = pages(cast)
    form = {"url": URL, **ticket_of(*opened[0])}
    answers = at_once(lambda number: opened[number][0].post(opened[number][1], form), times=CLIENTS)
    assert sorted(answer.status_code for answer in answers) == [200, *[302] * (CLIENTS - 1)]
    assert Webhook.objects.count() == 1


@pytest.mark.parametrize("pages", [in_console, in_admin])
def test_a_form_that_has_expired_sets_nothing_up_and_says_so(
    cast: Cast, pages: Callable[[Cast], Any]
) -> None:
    client, path = pages(cast)[0]
    answer = client.post(path, {"url": URL, "ticket": "forged"})
    assert "This form has expired. Open it again." in text_of(answer)
    assert not Webhook.objects.exists()
