"""Ending all sessions again ends what has begun since, also in the admin; otherwise it records nothing."""

import pytest
from django.test import Client

from access.principals import Caller
from accounts.models import Session
from accounts.sessions.services import end_sessions_of, log_out_everywhere
from audit.actors import Origin
from audit.events import EventName
from audit.models import Event
from oauth.services.tokens import revoke_token
from tests.accounts.helpers import at_once, caller_as, rows_are_locked, waiting
from tests.conftest import Cast, as_user, assert_problem, log_in
from tests.console.helpers import added
from tests.logins import browser
from tests.oauth.flow import machine_token, make_client

NAMES = (EventName.SESSION_ENDED, EventName.OAUTH_TOKEN_REVOKED)


def recorded() -> int:
    return Event.objects.filter(name__in=NAMES).count()


def is_in(client: Client) -> bool:
    return bool(client.get("/admin/").status_code == 200)


@pytest.mark.requirement(34)
def test_a_browser_that_has_come_since_is_logged_out(cast: Cast) -> None:
    ada = as_user(cast.ada)
    for expected in (1, 2):
        come = browser(cast.ada)
        assert is_in(come)
        assert ada.delete("auth/sessions").status_code == 204
        assert (is_in(come), recorded()) == (False, expected)
        assert ada.delete("auth/sessions").status_code == 204
        assert recorded() == expected


@pytest.mark.requirement(34)
def test_the_browser_in_which_a_second_factor_was_added_is_logged_out(cast: Cast, operator: Caller) -> None:
    """Adding one ends all logins but that."""
    come = browser(cast.ada)
    added(come)
    assert is_in(come)
    assert end_sessions_of(caller=operator, selected=[cast.ada]) == 1
    assert not is_in(come)
    assert end_sessions_of(caller=operator, selected=[cast.ada]) == 0


@pytest.mark.requirement(34)
def test_ending_all_sessions_ends_a_session_that_was_left(cast: Cast) -> None:
    bob, ada = as_user(cast.bob), as_user(cast.ada)
    assert bob.delete("auth/sessions").status_code == 204
    assert ada.delete(f"users/{cast.bob.uuid}/sessions").status_code == 204
    assert_problem(bob.get("auth/me"), 401, "invalid_token")
    event = Event.objects.latest("sequence")
    assert (event.detail, event.subjects) == ({"sessions": 1}, [f"user:{cast.bob.uuid}"])


@pytest.mark.django_db(transaction=True)
def test_when_many_end_the_same_session_at_once_one_is_recorded(cast: Cast) -> None:
    log_in(cast.bob)
    at_once(lambda _: log_out_everywhere(caller=caller_as(cast.bob)), times=6)
    assert not Session.objects.filter(ended_at=None).exists()
    assert recorded() == 1


@rows_are_locked
@pytest.mark.django_db(transaction=True)
def test_when_two_revoke_one_token_of_a_machine_one_is_recorded(cast: Cast) -> None:
    made = make_client("services:read", owner=cast.acme)
    text = machine_token(made)["access_token"]

    def revoke() -> None:
        revoke_token(client=made.row, text=text, origin=Origin.here())

    with waiting(revoke, holding=revoke):
        pass
    assert recorded() == 1
