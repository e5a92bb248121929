"""Clients and owners that are deleted during a token request: the answer is an error of the RFC."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.organizations.services import delete_organization
from accounts.users.services import delete_user
from oauth.models import Consent, OAuthAccessToken, OAuthClient, OAuthCode, OAuthRefreshToken
from oauth.services.clients import delete_clients
from tests.accounts.helpers import at_once, caller_as, rows_are_locked, waiting
from tests.conftest import Cast
from tests.oauth.flow import Flow, make_client, post

KINDS = (Consent, OAuthAccessToken, OAuthClient, OAuthCode, OAuthRefreshToken)

Asking = Callable[[], Any]
Deleting = Callable[[], None]
pytestmark = pytest.mark.django_db(transaction=True)


def ways_of_people(cast: Cast) -> dict[str, tuple[Flow, Asking]]:
    """What can be asked for a person: by name, with the flow that it belongs to."""
    code, refresh, consent = (Flow(make_client(), cast.alice) for _ in range(3))
    text, token, address = code.code(), refresh.tokens()["refresh_token"], consent.address()
    consent.log_in(address)
    return {
        "code": (code, lambda: code.exchange(text)),
        "refresh": (refresh, lambda: refresh.refresh(token)),
        "consent": (consent, lambda: consent.answer(address)),
    }


def while_deleted(delete: Deleting, ask: Asking) -> Any:
    """The answer to what is asked when a deletion has begun, which ends when the asker waits for it."""
    with waiting(ask, holding=delete) as answer:
        pass
    return answer.result()


def check_refused(answer: Any) -> None:
    assert answer.status_code in {302, 400, 401}, answer.content
    assert "code=" not in answer.headers.get("Location", "")
    if answer.status_code != 302:
        assert answer.json()["error"] in {"invalid_client", "invalid_grant"}


@rows_are_locked
@pytest.mark.parametrize("way", ["code", "refresh", "consent"])
@pytest.mark.parametrize("victim", ["client", "person"])
def test_what_is_asked_during_a_deletion_waits_and_is_refused(way: str, victim: str, cast: Cast) -> None:
    flow, ask = ways_of_people(cast)[way]

    def delete() -> None:
        if victim == "client":
            delete_clients(caller=caller_as(cast.ada), selected=[flow.client.row])
        else:
            delete_user(caller=caller_as(cast.ada), user=cast.alice)

    check_refused(while_deleted(delete, ask))


@rows_are_locked
@pytest.mark.parametrize("victim", ["client", "person", "organization"])
def test_a_machine_that_asks_during_a_deletion_waits_and_is_refused(victim: str, cast: Cast) -> None:
    client = make_client("services:read", owner=cast.umbrella if victim == "organization" else cast.mallory)
    delete: dict[str, Deleting] = {
        "client": lambda: delete_clients(caller=caller_as(cast.ada), selected=[client.row]),
        "person": lambda: delete_user(caller=caller_as(cast.ada), user=cast.mallory),
        "organization": lambda: delete_organization(caller=caller_as(cast.ada), organization=cast.umbrella),
    }
    answer = while_deleted(delete[victim], lambda: post("token", client, grant_type="client_credentials"))
    check_refused(answer)
    assert not OAuthClient.objects.exists()


@pytest.mark.parametrize("victim", ["client", "person"])
def test_whatever_comes_first_nothing_is_left_behind_and_nothing_fails(victim: str, cast: Cast) -> None:
    ways = ways_of_people(cast)
    machine = make_client("services:read", owner=cast.alice)

    def delete() -> None:
        if victim == "person":
            delete_user(caller=caller_as(cast.ada), user=cast.alice)
        else:
            delete_clients(caller=caller_as(cast.ada), selected=list(OAuthClient.objects.all()))

    asks: list[Asking] = [ask for _, ask in ways.values()]
    asks.append(lambda: post("token", machine, grant_type="client_credentials"))
    answers = at_once(lambda number: [*asks, delete][number](), times=len(asks) + 1)
    for answer in answers[:-1]:
        assert answer.status_code in {200, 302, 400, 401}, answer.content
    left = [kind for kind in KINDS if kind.objects.exists()]
    assert left == ([OAuthClient] if victim == "person" else [])
