"""What arrives at the receiver of a webhook, and when."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings
from standardwebhooks import WebhookVerificationError

from access.audit_log.serializers import AuditEventMember
from accounts.models import Membership, User
from apikeys.services.revocation import revoke_api_keys
from audit.events import EventName
from audit.models import Event
from config.wire.errors import Invalid
from tests.accounts.helpers import caller_as
from tests.config.outgoing.receiver import Receiver, receiving
from tests.conftest import Cast, make_key
from tests.webhooks.helpers import happen, ids, later, new_webhook, now, send, verified
from webhooks.changes import WebhookChanges
from webhooks.delivery import outcomes
from webhooks.models import Delivery, Stop, Webhook
from webhooks.services.secrets import rotate_secret
from webhooks.services.sending import replay, send_test
from webhooks.services.webhooks import update_webhook


def test_a_revoked_key_arrives_as_the_audit_log_shows_it_with_a_good_signature(
    cast: Cast, receiver: Receiver
) -> None:
    made = new_webhook(cast.alice, receiver, cast.acme, "api_key.revoked")
    key = make_key(cast.acme, "services:read")
    revoke_api_keys(caller=caller_as(cast.alice), selected=[key.row])
    send()
    payload = verified(receiver.received[0], made.secret or "")
    event = Event.objects.get(name=EventName.API_KEY_REVOKED)
    assert payload["type"] == "api_key.revoked"
    assert payload["data"] == AuditEventMember(event).data
    assert ids(receiver) == [str(event.uuid)]
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.event, delivery.problem) == (200, "api_key.revoked", "")


def test_only_events_of_the_organization_and_of_the_chosen_kinds_are_sent(
    cast: Cast, receiver: Receiver
) -> None:
    happen(cast.acme)  # before the webhook
    new_webhook(cast.alice, receiver, cast.acme, "api_key.revoked")
    happen(cast.umbrella)
    happen(None)
    happen(cast.acme, EventName.API_KEY_CREATED)
    own = happen(cast.acme)
    send()
    assert ids(receiver) == [own]


def test_a_webhook_of_an_administrator_gets_the_events_of_all_in_their_order(
    cast: Cast, receiver: Receiver
) -> None:
    new_webhook(cast.ada, receiver, None, "api_key.revoked", "api_key.created")
    sent = [happen(cast.acme), happen(None, EventName.API_KEY_CREATED), happen(cast.umbrella)]
    send()
    send()
    assert ids(receiver) == sent


def test_an_event_that_was_not_taken_is_sent_again_with_the_same_id_before_later_ones(
    cast: Cast, receiver: Receiver
) -> None:
    made = new_webhook(cast.alice, receiver, cast.acme, "api_key.revoked")
    first, receiver.status = happen(cast.acme), 500
    send()
    second = happen(cast.acme)
    assert send() == 0  # the pause has not passed
    receiver.status = 204
    later(seconds=10)
    send()
    assert ids(receiver) == [first, first, second]
    assert [each.status for each in Delivery.objects.order_by("pk")] == [500, 204, 204]
    assert (now(made).tries, now(made).failing_since) == (0, None)


@pytest.mark.requirement(152)
def test_a_receiver_that_was_away_gets_everything_once_it_is_back(cast: Cast, tls: Path) -> None:
    with receiving(tls / "server.pem") as receiver:
        new_webhook(cast.alice, receiver, cast.acme, "api_key.revoked")
        happened = [happen(cast.acme)]
        send()
    happened += [happen(cast.acme) for _ in range(3)]
    send()
    later(seconds=10)
    send()
    with receiving(tls / "server.pem", receiver.port) as again:
        later(days=1)
        send()
    assert ids(receiver) + ids(again) == happened


@pytest.mark.requirement(152)
def test_a_receiver_that_dies_while_it_answers_gets_the_event_again(cast: Cast, receiver: Receiver) -> None:
    new_webhook(cast.alice, receiver, cast.acme, "api_key.revoked")
    event = happen(cast.acme)
    receiver.answer = lambda handler: handler.connection.close()
    send()
    receiver.answer = None
    later(seconds=10)
    send()
    assert ids(receiver) == [event, event]
    assert [each.status for each in Delivery.objects.order_by("pk")] == [None, 200]


def test_a_webhook_that_is_enabled_again_goes_on_where_it_was(cast: Cast, receiver: Receiver) -> None:
    made = new_webhook(cast.alice, receiver, cast.acme, "api_key.revoked")
    caller = caller_as(cast.alice)
    update_webhook(caller=caller, webhook=made.row, changes=WebhookChanges(enabled=False))
    event = happen(cast.acme)
    send()
    assert ids(receiver) == []
    update_webhook(caller=caller, webhook=made.row, changes=WebhookChanges(enabled=True))
    send()
    assert ids(receiver) == [event]


def lose_role(cast: Cast) -> None:
    Membership.objects.filter(user=cast.alice, organization=cast.acme).update(role="developer")


def leave(cast: Cast) -> None:
    Membership.objects.filter(user=cast.alice, organization=cast.acme).delete()


def be_deactivated(cast: Cast) -> None:
    User.objects.filter(pk=cast.alice.pk).update(is_active=False)


def be_deleted(cast: Cast) -> None:
    Webhook.objects.update(subscriber=None)  # what the database does


@pytest.mark.requirement(151)
@pytest.mark.parametrize("lose", [lose_role, leave, be_deactivated, be_deleted])
def test_nothing_is_sent_once_the_person_who_set_it_up_may_not_read_the_events(
    cast: Cast, receiver: Receiver, lose: Callable[[Cast], None]
) -> None:
    made = new_webhook(cast.alice, receiver, cast.acme, "api_key.revoked")
    happen(cast.acme)
    lose(cast)
    send()
    assert ids(receiver) == []
    assert now(made).stop == Stop.NO_POWER


def test_a_person_who_changes_a_webhook_answers_for_it(cast: Cast, receiver: Receiver) -> None:
    made = new_webhook(cast.alice, receiver, cast.acme, "api_key.revoked")
    changes = WebhookChanges(description="ours")
    update_webhook(caller=caller_as(cast.ada), webhook=made.row, changes=changes)
    leave(cast)
    happen(cast.acme)
    send()
    assert len(receiver.received) == 1


@pytest.mark.requirement(152)
def test_after_a_rotation_both_secrets_sign_until_the_overlap_ends(cast: Cast, receiver: Receiver) -> None:
    made = new_webhook(cast.alice, receiver, cast.acme, "api_key.revoked")
    new = rotate_secret(caller=caller_as(cast.alice), webhook=made.row, overlap=timedelta(hours=1))
    assert made.secret and new.secret
    happen(cast.acme)
    send()
    for secret in (made.secret, new.secret):
        verified(receiver.received[0], secret)
    stored, ends_at = now(made).old_secrets[0]
    Webhook.objects.update(old_secrets=[[stored, ends_at - 3601]])
    happen(cast.acme)
    send()
    verified(receiver.received[1], new.secret)
    with pytest.raises(WebhookVerificationError):
        verified(receiver.received[1], made.secret)


@pytest.mark.requirement(152)
def test_secrets_are_stored_encrypted(cast: Cast, receiver: Receiver) -> None:
    made = new_webhook(cast.alice, receiver, cast.acme)
    new = rotate_secret(caller=caller_as(cast.alice), webhook=made.row)
    assert made.secret and new.secret
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM webhooks_webhook")
        stored = str(cursor.fetchall())
    for secret in (made.secret, new.secret):
        assert secret not in stored
        assert secret.removeprefix("whsec_") not in stored
        assert secret not in repr(made) + repr(new)
    assert now(made).secrets(timezone.now()) == [new.secret, made.secret]


def test_a_webhook_whose_secret_cannot_be_read_sends_nothing(
    cast: Cast, receiver: Receiver, settings: Settings
) -> None:
    new_webhook(cast.alice, receiver, cast.acme)
    happen(cast.acme)
    settings.SEED_KEYS = {9: bytes(range(32))}
    settings.CURRENT_SEED_KEY = None
    send()
    assert ids(receiver) == []
    assert "KEYHOUSE_SEED_KEYS" in Delivery.objects.get().problem


def test_an_address_that_is_no_longer_allowed_gets_nothing(
    cast: Cast, receiver: Receiver, settings: Settings
) -> None:
    new_webhook(cast.alice, receiver, cast.acme, "api_key.revoked")
    happen(cast.acme)
    settings.WEBHOOK_NETWORKS = ()
    send()
    assert receiver.received == []
    assert "not public" in Delivery.objects.get().problem


def test_a_test_message_is_sent_once(cast: Cast, receiver: Receiver) -> None:
    made = new_webhook(cast.alice, receiver, cast.acme, "api_key.revoked")
    for _ in range(2):
        send_test(caller=caller_as(cast.alice), webhook=made.row)
    send()
    send()
    assert [verified(each, made.secret or "")["type"] for each in receiver.received] == ["webhook.test"]
    assert Event.objects.filter(name=EventName.WEBHOOK_TESTED).count() == 1


def test_a_replay_sends_a_span_again_with_the_same_ids(cast: Cast, receiver: Receiver) -> None:
    made = new_webhook(cast.alice, receiver, cast.acme, "api_key.revoked")
    events = [happen(cast.acme) for _ in range(4)]
    send()
    numbers = {str(each.uuid): each.sequence for each in Event.objects.all()}
    first, last = numbers[events[1]], numbers[events[2]]
    replay(caller=caller_as(cast.alice), webhook=made.row, first=first, last=last)
    new = happen(cast.acme)
    send()
    send()
    assert ids(receiver) == [*events, new, events[1], events[2]]
    assert now(made).replay_after is None


@pytest.mark.parametrize(("first", "last"), [(0, 1), (-1, 1), (2, 1)])
def test_a_replay_of_no_span_of_events_is_refused(
    cast: Cast, receiver: Receiver, first: int, last: int
) -> None:
    made = new_webhook(cast.alice, receiver, cast.acme)
    with pytest.raises(Invalid) as refused:
        replay(caller=caller_as(cast.alice), webhook=made.row, first=first, last=last)
    assert refused.value.errors.keys() == {"first"} and now(made).replay_after is None


def test_a_test_and_a_replay_of_one_event_are_tried_at_once_and_recorded(
    cast: Cast, receiver: Receiver
) -> None:
    made, caller = new_webhook(cast.ada, receiver, None, "webhook.created"), caller_as(cast.ada)
    first = Event.objects.earliest("sequence").sequence
    assert first == 1
    later(days=-1)
    replay(caller=caller, webhook=made.row, first=first, last=first)
    assert send() == 1
    later(days=-1)
    send_test(caller=caller, webhook=made.row)
    assert send() == 1
    assert Event.objects.get(name=EventName.WEBHOOK_REPLAYED).detail == {"first": first, "last": first}


def test_the_last_fifty_deliveries_are_kept(cast: Cast, receiver: Receiver) -> None:
    new_webhook(cast.alice, receiver, cast.acme, "api_key.revoked")
    for _ in range(outcomes.KEPT + 2):
        happen(cast.acme)
    send()
    assert len(receiver.received) == outcomes.KEPT + 2
    assert Delivery.objects.count() == outcomes.KEPT
