"""Forms that show a client's secret once, sent twice: one after the other, and at the same moment."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client

from audit.events import EventName
from audit.models import Event
from oauth.models import OAuthClient
from oauth.services.clients import is_secret_of
from tests.accounts.helpers import at_once
from tests.admin.helpers import act, confirm, messages_of, page, text_of, ticket_asked, ticket_of
from tests.conftest import Cast
from tests.logins import browser
from tests.oauth.flow import make_client

NEW = "accounts_oauthclient_add"
REPLACE = ("accounts_oauthclient", "replace_secret")
CLIENTS = 4

at_the_same_moment = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")


def replacements() -> int:
    return Event.objects.filter(name=EventName.OAUTH_CLIENT_CHANGED).count()


def filled(client: Client) -> dict[str, Any]:
    sent = {"name": "Board", "redirect_uris": "https://a.example.org/", "scopes": ["openid"]}
    return sent | ticket_of(client, page(NEW))


def test_a_form_that_is_sent_twice_replaces_the_secret_once(cast: Cast) -> None:
    ada, row = browser(cast.ada), make_client().row
    asked = act(ada, *REPLACE, row)
    assert asked.context["lines"] == [(row.pk, "Dashboard")]
    ticket = {"ticket": asked.context["form"]["ticket"].value()}
    made = confirm(ada, *REPLACE, row, **ticket).context["made"]
    again = confirm(ada, *REPLACE, row, **ticket)
    assert again.redirect_chain == [(page("accounts_oauthclient_change", row.pk), 302)]
    assert "This form was sent before" in messages_of(again)[0] and made.secret not in text_of(again)
    row.refresh_from_db()
    assert is_secret_of(row, made.secret) and replacements() == 1
    newer = confirm(ada, *REPLACE, row, **ticket_asked(ada, *REPLACE, row)).context["made"]
    row.refresh_from_db()
    assert is_secret_of(row, newer.secret) and not is_secret_of(row, made.secret)


@pytest.mark.parametrize("ticket", [{}, {"ticket": "forged"}], ids=["none", "forged"])
def test_a_form_that_has_expired_replaces_nothing_and_says_so(cast: Cast, ticket: dict[str, str]) -> None:
    answer = confirm(browser(cast.ada), *REPLACE, make_client().row, **ticket)
    assert "This form has expired. Open it again." in text_of(answer)
    assert replacements() == 0


@at_the_same_moment
@pytest.mark.django_db(transaction=True)
def test_a_form_sent_twice_at_the_same_moment_replaces_the_secret_once(cast: Cast) -> None:
    row, browsers = make_client().row, [browser(cast.ada) for _ in range(CLIENTS)]
    ticket = ticket_asked(browsers[0], *REPLACE, row)
    answers = at_once(lambda number: confirm(browsers[number], *REPLACE, row, **ticket), times=CLIENTS)
    [made] = [answer.context["made"] for answer in answers if not answer.redirect_chain]
    row.refresh_from_db()
    assert is_secret_of(row, made.secret) and replacements() == 1


@at_the_same_moment
@pytest.mark.django_db(transaction=True)
def test_a_form_sent_twice_at_the_same_moment_registers_one_client(cast: Cast) -> None:
    browsers = [browser(cast.ada) for _ in range(CLIENTS)]
    form = filled(browsers[0])
    answers = at_once(lambda number: browsers[number].post(page(NEW), form), times=CLIENTS)
    assert sorted(answer.status_code for answer in answers) == [200, *[302] * (CLIENTS - 1)]
    assert OAuthClient.objects.count() == 1


def test_a_form_that_has_expired_registers_nothing_and_says_so(cast: Cast) -> None:
    ada = browser(cast.ada)
    answer = ada.post(page(NEW), filled(ada) | {"ticket": "forged"})
    assert "This form has expired. Open it again." in text_of(answer)
    assert not OAuthClient.objects.exists()
