"""Owners are told when a key is used from a network for the first time."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.principals import Caller
from apikeys.models import KeyNetwork, Outcome
from apikeys.notices import networks
from apikeys.notices.networks import network_of, tell_new_networks
from apikeys.services.api_keys import NewKey
from apikeys.services.revocation import revoke_api_keys
from apikeys.usage import counting
from audit.actors import Origin
from audit.events import EventName
from audit.models import Event
from tests.accounts.helpers import serving
from tests.accounts.mailbox import Mailbox, plain
from tests.apikeys.notices.telling import at, send
from tests.conftest import Cast, make_key, with_key

NOW = timezone.now()
SECOND = timedelta(seconds=1)


@pytest.fixture
def key(cast: Cast) -> NewKey:
    return make_key(cast.alice, "services:read", name="robot")


def use(key: NewKey, *addresses: str) -> None:
    """Use the key from these addresses, a millisecond after each other, and write the uses."""
    for number, ip in enumerate(addresses):
        counting.record_use(key.row.pk, Origin(ip, "", NOW + number * SECOND / 1000))
    counting.flush()


def told() -> list[str]:
    """The networks of which owners are told now."""
    found = tell_new_networks(at(NOW + SECOND))
    return [each.due.mark for each in found or []]


def test_the_first_network_is_not_told_and_each_other_is_once(key: NewKey) -> None:
    use(key, "192.0.2.1")
    assert told() == []
    use(key, "192.0.2.77", "198.51.100.1", "198.51.100.2", "2001:db8:1::1")
    assert told() == ["198.51.100.0/24", "2001:db8:1::/48"]
    use(key, "198.51.100.9", "192.0.2.9", "2001:db8:1:ffff::1")
    assert told() == []


def test_a_network_that_is_hidden_between_other_requests_of_the_same_second_is_seen(key: NewKey) -> None:
    use(key, "192.0.2.1")
    use(key, "192.0.2.1", "203.0.113.5", "192.0.2.1", "192.0.2.1")
    told()
    assert KeyNetwork.objects.filter(network="203.0.113.0/24", is_new=False).exists()


def test_the_mail_is_a_security_mail_that_names_the_network(key: NewKey, mailbox: Mailbox) -> None:
    use(key, "192.0.2.1")
    told()
    use(key, "203.0.113.5")
    assert told() == ["203.0.113.0/24"]
    send()
    (mail,) = mailbox.to("alice@example.org")
    assert mail["Subject"] == "The API key robot at Keyhouse was used from a new network"
    assert "robot of alice, from 203.0.113.0/24" in plain(mail)
    assert mail["List-Unsubscribe"] is None
    (event,) = Event.objects.filter(name=EventName.API_KEY_ROAMED)
    assert event.detail["network"] == "203.0.113.0/24"


def test_a_request_of_a_key_stores_nothing_until_its_use_is_written(key: NewKey) -> None:
    with_key(key).get("auth/me")  # read and cached
    with CaptureQueriesContext(connection) as queries:
        with_key(key).get("scopes")
    assert "keynetwork" not in str(queries.captured_queries)
    assert not KeyNetwork.objects.exists()
    counting.flush()
    assert KeyNetwork.objects.get().network == "127.0.0.0/24"


def test_many_networks_are_one_statement(cast: Cast) -> None:
    keys = [make_key(cast.alice) for _ in range(20)]
    for each in keys:
        counting.record_use(each.row.pk, Origin("192.0.2.1", "", NOW))
    with CaptureQueriesContext(connection) as queries:
        counting.flush()
    assert sum("keynetwork" in query["sql"] for query in queries.captured_queries) == 1
    assert KeyNetwork.objects.count() == 20


def test_a_key_that_roams_is_not_watched_for_ever(key: NewKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "MOST_NETWORKS", 3)
    for number in range(6):
        use(key, f"10.0.{number}.1")
    assert told() == ["10.0.1.0/24", "10.0.2.0/24"]


def test_refused_requests_and_addresses_that_nobody_knows_are_no_networks(key: NewKey) -> None:
    counting.record_use(key.row.pk, Origin("203.0.113.5", "", NOW), Outcome.NETWORK)
    use(key, "")
    assert not KeyNetwork.objects.exists()


def test_a_revoked_key_and_a_profile_without_networks_tell_nobody(key: NewKey, operator: Caller) -> None:
    use(key, "192.0.2.1", "203.0.113.5")
    revoke_api_keys(caller=operator, selected=[key.row])
    assert told() == [] and not KeyNetwork.objects.filter(is_new=True).exists()
    with serving("notices", new_networks=False):
        use(key, "198.51.100.1")
    assert KeyNetwork.objects.count() == 2


def test_a_network_is_what_one_site_has() -> None:
    assert network_of("192.0.2.77") == "192.0.2.0/24"
    assert network_of("2001:db8:1:2:3::4") == "2001:db8:1::/48"
