"""Turns: one process at a time sends to a webhook, and none holds up the others."""

import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from accounts.models import Membership, User
from accounts.organizations.services import delete_organization
from tests.accounts.helpers import at_once, caller_as
from tests.config.outgoing.receiver import Receiver, receiving
from tests.conftest import Cast, make_cast
from tests.webhooks.helpers import happen, ids, later, new_webhook, now, send
from webhooks.changes import WebhookChanges
from webhooks.delivery import worker
from webhooks.delivery.turns import CLAIM, claimed_turns, take
from webhooks.models import Webhook
from webhooks.services.webhooks import delete_webhook, update_webhook


def test_a_deleted_webhook_gets_nothing_even_in_a_turn(cast: Cast, receiver: Receiver) -> None:
    made = new_webhook(cast.alice, receiver, cast.acme, "api_key.revoked")
    happen(cast.acme)
    turns = list(claimed_turns(1))
    delete_webhook(caller=caller_as(cast.alice), webhook=made.row)
    take(turns[0])
    assert receiver.received == []


def test_the_webhooks_of_a_deleted_organization_go_with_it(cast: Cast, receiver: Receiver) -> None:
    new_webhook(cast.ada, receiver, cast.umbrella)
    delete_organization(caller=caller_as(cast.ada), organization=cast.umbrella)
    assert Webhook.objects.count() == 0


def test_a_claimed_turn_is_nobody_elses_until_its_claim_ends(cast: Cast, receiver: Receiver) -> None:
    new_webhook(cast.alice, receiver, cast.acme, "api_key.revoked")
    event = happen(cast.acme)
    lost = list(claimed_turns(1))
    assert list(claimed_turns(1)) == []
    later(seconds=CLAIM.total_seconds())
    assert send() == 1
    take(lost[0])  # the process that was paused comes back, and finds its turn taken
    assert ids(receiver) == [event]


def test_another_url_is_tried_at_once_and_gets_what_the_old_one_did_not_take(
    cast: Cast, receiver: Receiver
) -> None:
    made = new_webhook(cast.alice, receiver, cast.acme, "api_key.revoked")
    event, receiver.status = happen(cast.acme), 503
    send()
    later(seconds=10)
    begun, receiver.status = list(claimed_turns(1)), 204
    changes = WebhookChanges(url=f"{receiver.url}/new")
    update_webhook(caller=caller_as(cast.alice), webhook=made.row, changes=changes)
    assert (now(made).tries, now(made).failing_since) == (0, None)
    take(begun[0])  # it began before the change
    assert len(receiver.received) == 1
    send()
    assert [(each.path, each.headers["webhook-id"]) for each in receiver.received] == [
        ("/hook", event),
        ("/hook/new", event),
    ]


@pytest.mark.databases
@pytest.mark.requirement(152)
@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_each_event_once(receiver: Receiver) -> None:
    make_cast()
    alice = User.objects.get(username="alice")
    acme = Membership.objects.get(user=alice).organization
    new_webhook(alice, receiver, acme, "api_key.revoked")
    events = [happen(acme) for _ in range(5)]
    at_once(lambda _: send(), times=4)
    assert ids(receiver) == events


@pytest.mark.databases
@pytest.mark.django_db(transaction=True)
def test_a_receiver_that_does_not_answer_holds_up_no_other(tls: Path, receiver: Receiver) -> None:

    make_cast()
    ada = User.objects.get(username="ada")
    answered, arrived = threading.Event(), threading.Event()

    def keep_silent(_: BaseHTTPRequestHandler) -> None:
        answered.wait()

    def take_it(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(204)
        handler.end_headers()
        arrived.set()

    receiver.answer = take_it
    with receiving(tls / "server.pem") as silent:
        silent.answer = keep_silent
        new_webhook(ada, silent, None, "api_key.revoked")
        new_webhook(ada, receiver, None, "api_key.revoked")
        happen(None)
        worker.send_due()  # returns at once
        assert arrived.wait(20)
        answered.set()
        assert all(worker._free.acquire(timeout=20) for _ in range(worker.MOST_AT_ONCE))
    for _ in range(worker.MOST_AT_ONCE):
        worker._free.release()
