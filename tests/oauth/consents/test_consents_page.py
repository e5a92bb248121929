"""The page of consents, for people who never see the admin."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Session
from audit.events import EventName
from audit.models import Event
from oauth.models import Consent
from tests.accounts.helpers import at_once
from tests.conftest import Cast
from tests.oauth.flow import BASE, Flow, gateway, make_client, text_of

PAGE = "/account/applications"
LOGIN = "/account/login?next=%2Faccount%2Fapplications"


def visitor(flow: Flow) -> Client:
    """The browser of a person who has logged in to go to the page."""
    browser = flow.browser
    answer = flow.log_in(PAGE)
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    return browser


@pytest.mark.requirement(73)
def test_it_wants_a_login_and_leads_back(cast: Cast) -> None:
    answer = Client().get(PAGE)
    assert answer["Location"] == LOGIN
    assert Client().post(PAGE, {"consent": "x"})["Location"] == LOGIN
    assert Client().get(f"{BASE}/allowed")["Location"] == PAGE


@pytest.mark.requirement(73)
def test_people_see_their_own_and_withdraw_one(cast: Cast) -> None:
    alices = Flow(make_client("services:read", name="<b>Board</b>"), cast.alice)
    others = Flow(make_client(name="Other"), cast.alice).tokens()
    bobs = Flow(make_client(name="Bobs"), cast.bob).tokens()
    tokens = alices.tokens()
    browser = visitor(Flow(alices.client, cast.alice))
    answer = browser.get(PAGE)
    shown = text_of(answer)
    assert "&lt;b&gt;Board&lt;/b&gt;" in shown and "Other" in shown and "Bobs" not in shown
    assert "Read from the services behind the gateway" in shown
    row = Consent.objects.get(client=alices.client.row)
    assert browser.post(PAGE, {"consent": str(row.uuid)})["Location"] == PAGE
    assert [gateway(each["access_token"]) for each in (tokens, others, bobs)] == [401, 200, 200]
    assert "Board" not in text_of(browser.get(PAGE))
    event = Event.objects.get(name=EventName.CONSENT_WITHDRAWN)
    assert (event.actor_id, event.target_id) == (str(cast.alice.uuid), str(row.uuid))


@pytest.mark.parametrize(
    "sent", ["theirs", "", "x", "\0", "00000000-0000-4000-8000-000000000000", "é" * 5000]
)
@pytest.mark.requirement(73)
def test_what_is_not_ones_own_is_let_be_even_by_administrators(sent: str, cast: Cast) -> None:
    tokens = Flow(make_client(), cast.bob).tokens()
    browser = visitor(Flow(make_client(), cast.ada))
    value = str(Consent.objects.get().uuid) if sent == "theirs" else sent
    assert browser.post(PAGE, {"consent": value})["Location"] == PAGE
    assert gateway(tokens["access_token"]) == 200


@pytest.mark.requirement(73)
def test_the_page_is_protected_against_frames_and_foreign_forms(cast: Cast) -> None:
    Flow(make_client(), cast.alice).tokens()
    browser = visitor(Flow(make_client(), cast.alice))
    answer = browser.get(PAGE)
    policy = answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy and "form-action 'self';" in policy
    assert (answer.headers["X-Frame-Options"], answer.headers["Cache-Control"]) == ("DENY", "no-store")
    assert "<script" not in answer.content.decode() and "style=" not in answer.content.decode()
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    assert strict.post(PAGE, {"consent": str(Consent.objects.get().uuid)}).status_code == 403
    assert strict.post("/account/logout").status_code == 403
    assert browser.get(PAGE, {"consent": str(Consent.objects.get().uuid)}).status_code == 200
    assert Consent.objects.count() == 1


def test_logging_out_there_ends_the_session(cast: Cast) -> None:
    tokens = Flow(make_client(), cast.alice).tokens()
    Session.objects.all().delete()
    browser = visitor(Flow(make_client(), cast.alice))
    assert browser.post("/account/logout").status_code == 200
    assert browser.get(PAGE).status_code == 302
    assert Session.objects.get().ended_at is not None
    assert gateway(tokens["access_token"]) == 200


def test_a_session_that_was_ended_elsewhere_withdraws_nothing(cast: Cast) -> None:
    Flow(make_client(), cast.alice).tokens()
    browser = visitor(Flow(make_client(), cast.alice))
    Session.objects.all().delete()
    answer = browser.post(PAGE, {"consent": str(Consent.objects.get().uuid)})
    assert answer["Location"] == LOGIN
    assert Consent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_pressed_twice_at_once_it_is_withdrawn_once(cast: Cast) -> None:
    Flow(make_client(), cast.alice).tokens()
    browser = visitor(Flow(make_client(), cast.alice))
    sent = {"consent": str(Consent.objects.get().uuid)}

    def press(number: int) -> Any:
        again = Client(raise_request_exception=False)
        again.cookies = browser.cookies
        return again.post(PAGE, sent).status_code

    assert at_once(press, times=4) == [302] * 4
    assert Event.objects.filter(name=EventName.CONSENT_WITHDRAWN).count() == 1


def test_the_page_that_asks_leads_to_it(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    flow.log_in(flow.address())
    assert f'href="{PAGE}"' in flow.browser.get(flow.address()).content.decode()
