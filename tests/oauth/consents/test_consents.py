"""Consents: people see and withdraw their own."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from access.principals import Caller
from accounts.models import Session
from accounts.second_factor.services import remove_second_factors
from audit.actors import Origin
from audit.events import EventName
from audit.models import Event
from oauth.models import Consent, OAuthAccessToken, OAuthClient
from oauth.services.consents import CodeTerms, clear_ended, give_consent
from tests.accounts.authenticator import enrolled, logged_in
from tests.admin.helpers import confirm, messages_of, page, ticket_of
from tests.conftest import Cast, as_user, assert_problem, make_key, with_key
from tests.logins import browser
from tests.oauth.flow import CALLBACK, Flow, gateway, machine_token, make_client, text_of
from tests.oauth.tokens.test_codes import refused

CONSENTS = "auth/oauth2/consents"


@pytest.mark.requirement(73)
def test_a_consent_is_listed_and_withdrawn(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    tokens = flow.tokens()
    api = as_user(cast.alice)
    listed = api.get(CONSENTS).json()["results"]
    assert [each["client"]["name"] for each in listed] == ["Dashboard"]
    assert listed[0]["scopes"] == ["services:read"]
    assert listed[0].keys() == {"id", "client", "scopes", "created_at", "last_used_at", "expires_at"}
    assert api.delete(f"{CONSENTS}/{listed[0]['id']}").status_code == 204
    assert gateway(tokens["access_token"]) == 401
    refused(flow.refresh(tokens["refresh_token"]))
    assert api.get(CONSENTS).json()["results"] == []
    assert Event.objects.get(name=EventName.CONSENT_WITHDRAWN).actor_id == str(cast.alice.uuid)


@pytest.mark.requirement(73)
def test_nobody_sees_or_withdraws_those_of_others(cast: Cast) -> None:
    Flow(make_client(), cast.alice).tokens()
    number = Consent.objects.get().uuid
    for user in (cast.bob, cast.ada):
        assert as_user(user).get(CONSENTS).json()["results"] == []
        assert_problem(as_user(user).delete(f"{CONSENTS}/{number}"), 404)
    assert_problem(with_key(make_key(cast.alice, "services:read")).get(CONSENTS), 403)


def test_one_that_has_ended_is_not_listed_and_goes_with_the_next(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    flow.tokens()
    for column in ("expires_at", "last_used_at"):
        Consent.objects.update(**{column: timezone.now() - timedelta(days=20)})
        assert as_user(cast.alice).get(CONSENTS).json()["results"] == []
        flow.tokens()
        assert Consent.objects.count() == 1


def test_a_yes_counts_with_no_second_factor_that_was_removed_before_it_is_stored(
    cast: Cast, operator: Caller
) -> None:
    logged_in(cast.alice, enrolled(cast.alice))
    session = Session.objects.select_related("user").get()  # read when the page was asked for
    remove_second_factors(caller=operator, selected=[cast.alice])
    consent = give_consent(
        session=session,
        client=make_client().row,
        scopes=["services:read"],
        code="a code",
        terms=CodeTerms(CALLBACK),
        origin=Origin.here(),
    )
    assert not Consent.objects.get(pk=consent.pk).second_factor


def test_what_is_too_old_to_be_used_is_deleted_and_nothing_else(cast: Cast) -> None:
    Flow(make_client(), cast.alice).tokens()
    machine_token(make_client("services:read", owner=cast.acme))
    assert clear_ended() == 0
    Consent.objects.update(expires_at=timezone.now())
    OAuthAccessToken.objects.update(expires=timezone.now())
    assert clear_ended() > 0
    assert not Consent.objects.exists() and not OAuthAccessToken.objects.exists()


@pytest.mark.requirement(73)
def test_people_withdraw_in_the_admin_too(cast: Cast) -> None:
    alices, bobs = Flow(make_client(), cast.alice).tokens(), Flow(make_client(), cast.bob).tokens()
    there = page("accounts_consent_changelist")
    alice, ada = browser(cast.alice), browser(cast.ada)
    assert "1 consent" in text_of(alice.get(there))
    assert "2 consents" in text_of(ada.get(there))
    rows = list(Consent.objects.values_list("pk", flat=True))
    withdraw = {"action": "withdraw", "_selected_action": rows, "confirmed": "True"}
    alice.post(there, withdraw)
    assert [gateway(each["access_token"]) for each in (alices, bobs)] == [401, 200]
    ada.post(there, withdraw)
    assert gateway(bobs["access_token"]) == 401


def test_clients_in_the_admin_are_for_those_who_manage_keys(cast: Cast) -> None:
    there, new = page("accounts_oauthclient_changelist"), page("accounts_oauthclient_add")
    for user in (cast.alice, cast.audrey, cast.mallory):
        assert browser(user).get(there).status_code == 403
        assert browser(user).get(new).status_code == 403
    ada = browser(cast.ada)
    sent: dict[str, Any] = {
        "name": "Board",
        "redirect_uris": "https://a.example.org/\nhttps://b.example.org/",
    }
    answer = ada.post(new, sent | {"scopes": ["services:read", "openid"]} | ticket_of(ada, new))
    assert answer.status_code == 200 and "no-store" in answer.headers["Cache-Control"]
    made = answer.context["made"]
    assert made.secret in text_of(answer)
    assert made.row.redirect_uris == "https://a.example.org/ https://b.example.org/"
    change = page("accounts_oauthclient_change", made.row.pk)
    shown = text_of(ada.get(change))
    assert "Board" in shown and made.secret not in shown and made.row.client_secret not in shown
    sent = {"name": "Board 2", "redirect_uris": "https://a.example.org/", "scopes": ["services:read"]}
    assert ada.post(change, sent).status_code == 302
    made.row.refresh_from_db()
    assert (made.row.name, made.row.scopes) == ("Board 2", ["services:read"])
    asked = ada.post(there, {"action": "replace_secret", "_selected_action": [made.row.pk]})
    assert "stops working" in text_of(asked)
    ticket = {"ticket": asked.context["form"]["ticket"].value()}
    again = confirm(ada, "accounts_oauthclient", "replace_secret", made.row, **ticket)
    assert again.context["made"].secret not in {"", made.secret}
    gone = page("accounts_oauthclient_delete", made.row.pk)
    assert "consents, codes and tokens" in text_of(ada.get(gone))
    assert ada.post(gone, {"post": "yes"}).status_code == 302
    assert ada.get(change).status_code == 302


def test_a_form_that_is_sent_twice_registers_one_client(cast: Cast) -> None:
    ada, new = browser(cast.ada), page("accounts_oauthclient_add")
    sent = {"name": "Board", "redirect_uris": "https://a.example.org/", "scopes": ["openid"]}
    sent |= ticket_of(ada, new)
    made = ada.post(new, sent).context["made"]
    again = ada.post(new, sent, follow=True)
    assert again.redirect_chain == [(page("accounts_oauthclient_change", made.row.pk), 302)]
    assert "already registered its client" in messages_of(again)[0] and made.secret not in text_of(again)
    assert OAuthClient.objects.count() == 1


def test_what_the_form_sends_wrong_is_said_beside_the_field(cast: Cast) -> None:
    ada, new = browser(cast.ada), page("accounts_oauthclient_add")
    for sent, word in (
        ({"name": "x", "redirect_uris": "http://evil.example.org/", "scopes": ["services:read"]}, "loopback"),
        ({"name": "x", "redirect_uris": "", "scopes": ["services:read"]}, "is required"),
        ({"name": "x", "redirect_uris": "https://a.example.org/"}, "required"),
    ):
        answer = ada.post(new, sent | ticket_of(ada, new))
        assert answer.status_code == 200
        assert word in text_of(answer)


def test_nothing_of_the_librarys_is_in_the_admin(cast: Cast) -> None:
    ada = browser(cast.ada)
    for address in (
        "oauth2_provider/",
        "accounts/oauthaccesstoken/",
        "accounts/oauthcode/",
        "accounts/oauthrefreshtoken/",
    ):
        assert ada.get(f"/admin/{address}").status_code == 404
