"""Giving out tokens is in the audit log: every code by itself, what can be repeated once a minute."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from accounts.models import Session
from audit.events import EventName
from audit.log import verify
from audit.models import ChainHead, Event
from oauth.models import Consent, OAuthAccessToken, OAuthClient, OAuthRefreshToken
from tests.accounts.helpers import at_once, serving, statements
from tests.audit.broken import no_event_table
from tests.conftest import Api, Cast, log_in
from tests.oauth.flow import Flow, machine_token, make_client, post
from tests.oauth.tokens.test_codes import refused

ISSUED, REFRESHED = EventName.OAUTH_TOKEN_ISSUED, EventName.OAUTH_TOKEN_REFRESHED
NAMES = {ISSUED, REFRESHED, EventName.SESSION_REFRESHED}


def issues() -> list[Event]:
    """The events about tokens that were given out, oldest first."""
    return list(Event.objects.filter(name__in=NAMES).order_by("sequence"))


def names() -> list[str]:
    return [event.name for event in issues()]


@pytest.mark.requirement(81)
def test_a_code_that_is_exchanged_is_one_event(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    tokens = flow.tokens()
    [event] = issues()
    assert (event.name, event.actor_kind, event.actor_id) == (ISSUED, "oauth2", str(flow.client.row.uuid))
    assert (event.target_kind, event.target_id) == ("consent", str(Consent.objects.get().uuid))
    assert (event.detail, event.ip) == ({"scopes": ["services:read"]}, "127.0.0.1")
    said = json.dumps([vars(each) for each in Event.objects.all()], default=str)
    assert tokens["access_token"] not in said and tokens["refresh_token"] not in said
    assert Event.objects.latest("sequence") == event  # nothing is written after the lock of the chain


@pytest.mark.requirement(81)
def test_every_code_is_recorded_however_soon_it_follows(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    for _ in range(3):
        flow.tokens()
    assert names() == [ISSUED] * 3


@pytest.mark.requirement(81)
def test_a_refresh_is_one_event(cast: Cast) -> None:
    flow = Flow(make_client("services:read", "keys:read"), cast.alice, scope="services:read keys:read")
    token = flow.tokens()["refresh_token"]
    assert flow.refresh(token, scope="keys:read").status_code == 200
    event = issues()[-1]
    assert (event.name, event.actor_id) == (REFRESHED, str(flow.client.row.uuid))
    assert event.target_id == str(Consent.objects.get().uuid)
    assert event.detail == {"scopes": ["keys:read"]}


@pytest.mark.requirement(81)
def test_a_machines_token_is_one_event_that_its_organizations_auditors_see(cast: Cast) -> None:
    client = make_client("services:write", owner=cast.acme)
    machine_token(client)
    [event] = issues()
    assert (event.name, event.actor_id) == (ISSUED, str(client.row.uuid))
    assert (event.target_kind, event.organization_id) == ("oauth_client", cast.acme.pk)
    assert event.detail == {"scopes": ["services:write"]}


@pytest.mark.parametrize("takes", ["refresh_token", "access_token"])
@pytest.mark.requirement(81)
def test_a_login_that_is_refreshed_is_one_event(cast: Cast, takes: str) -> None:
    with serving("login", refresh_takes=takes):
        token = log_in(cast.alice)[takes]
        sent = {"refresh_token": token} if takes == "refresh_token" else {}
        bearer = {"Authorization": f"Bearer {token}"} if takes == "access_token" else {}
        assert Api(bearer).post("auth/refresh", sent).status_code == 200
    [event] = issues()
    assert (event.name, event.actor_id) == (EventName.SESSION_REFRESHED, str(cast.alice.uuid))
    assert event.subjects == [f"session:{Session.objects.get().uuid}", f"user:{cast.alice.uuid}"]


def machine(cast: Cast) -> Callable[[], object]:
    client = make_client("services:write", owner=cast.acme)
    return lambda: machine_token(client)


def refresh(cast: Cast) -> Callable[[], object]:
    flow = Flow(make_client(), cast.alice)
    token = [flow.tokens()["refresh_token"]]

    def once() -> None:
        token.append(flow.refresh(token[-1]).json()["refresh_token"])

    return once


def session(cast: Cast) -> Callable[[], object]:
    token = [log_in(cast.alice)["refresh_token"]]

    def once() -> None:
        answer = Api().post("auth/refresh", {"refresh_token": token[-1]})
        token.append(answer.json()["refresh_token"])

    return once


def move_what_was_recorded(by: timedelta) -> None:
    for model in (Consent, OAuthClient, Session):
        model._default_manager.update(issue_recorded_at=F("issue_recorded_at") + by)


@pytest.mark.parametrize("ways", [machine, refresh, session])
def test_what_can_be_repeated_is_recorded_once_a_minute_and_then_takes_no_lock_of_the_chain(
    ways: Callable[[Cast], Callable[[], object]], cast: Cast
) -> None:
    again = ways(cast)
    before = len(issues())
    again()
    assert len(issues()) == before + 1
    with CaptureQueriesContext(connection) as captured:
        for _ in range(5):
            again()
    assert len(issues()) == before + 1
    assert not [each for each in statements(captured) if "audit_" in each]
    move_what_was_recorded(-timedelta(minutes=1))
    again()
    again()
    assert len(issues()) == before + 2


@pytest.mark.parametrize("ways", [machine, refresh, session])
def test_giving_out_tokens_begins_no_epoch(ways: Callable[[Cast], Callable[[], object]], cast: Cast) -> None:
    again = ways(cast)
    before = ChainHead.objects.get().epoch
    again()
    assert ChainHead.objects.get().epoch == before


def test_a_request_that_began_before_the_one_that_was_recorded_is_not_recorded_again(cast: Cast) -> None:
    again = machine(cast)
    again()
    move_what_was_recorded(timedelta(seconds=30))
    again()
    assert names() == [ISSUED]


def test_a_clock_that_was_ahead_does_not_silence_the_log(cast: Cast) -> None:
    again = machine(cast)
    again()
    move_what_was_recorded(timedelta(days=365))
    again()
    assert names() == [ISSUED, ISSUED]


def test_a_refused_request_gets_no_token_and_records_no_issue(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    refused(flow.exchange(flow.code(), code_verifier="x" * 43))
    other = make_client("services:write", owner=cast.acme)
    assert post("token", other, grant_type="client_credentials", client_secret="wrong").status_code == 401
    refused(flow.refresh("ort_nothing"))
    Api().post("auth/refresh", {"refresh_token": "x.y.z"})
    token = log_in(cast.bob)["refresh_token"]
    cast.bob.is_active = False
    cast.bob.save()
    assert Api().post("auth/refresh", {"refresh_token": token}).status_code == 401
    assert issues() == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.requirement(84)
def test_tokens_that_cannot_be_recorded_are_not_given_out(cast: Cast) -> None:
    flow, other = Flow(make_client(), cast.alice), make_client("services:write", owner=cast.acme)
    code = flow.code()
    pair = log_in(cast.bob)
    with no_event_table():
        assert flow.exchange(code).status_code >= 500
        assert post("token", other, grant_type="client_credentials").status_code >= 500
        assert Api().post("auth/refresh", {"refresh_token": pair["refresh_token"]}).status_code >= 500
    assert not OAuthAccessToken.objects.exists() and not OAuthRefreshToken.objects.exists()
    tokens = flow.exchange(code).json()
    assert Api().post("auth/refresh", {"refresh_token": pair["refresh_token"]}).status_code == 200
    with no_event_table():
        assert flow.refresh(tokens["refresh_token"]).status_code >= 500
    assert flow.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_many_tokens_of_a_machine_at_once_one_is_recorded(cast: Cast) -> None:
    client = make_client("services:write", owner=cast.acme)
    answers = at_once(lambda number: post("token", client, grant_type="client_credentials"), times=6)
    assert [answer.status_code for answer in answers] == [200] * 6
    assert names() == [ISSUED]
    assert verify().faults == []
