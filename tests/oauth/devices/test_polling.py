"""Polling at the token endpoint (RFC 8628 sections 3.4 and 3.5)."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.users.changes import UserChanges
from accounts.users.services import update_user
from audit.events import EventName
from audit.models import Event
from oauth.changes import ClientChanges
from oauth.models import Consent, DeviceCode, OAuthAccessToken
from oauth.services import devices
from oauth.services.clients import update_client
from oauth.services.consents import withdraw_consents
from tests.accounts.helpers import at_once, caller_as
from tests.conftest import Cast
from tests.oauth.devices.flow import Device, device_client, error_of
from tests.oauth.flow import gateway, post, text_of

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


@pytest.mark.requirement(174)
def test_the_device_waits_until_its_person_allows_it_and_then_gets_tokens_once(cast: Cast) -> None:
    device = Device(device_client("services:read", "openid"))
    assert error_of(device.poll()) == (400, "authorization_pending")
    device.answered(cast.bob)
    tokens = device.tokens()
    assert tokens["scope"] == "services:read openid"
    assert gateway(tokens["access_token"]) == 200
    assert error_of(device.poll()) == (400, "invalid_grant")
    assert gateway(tokens["access_token"]) == 200  # a device that asked twice loses nothing
    event = Event.objects.filter(name=EventName.OAUTH_TOKEN_ISSUED).get()
    assert event.detail == {
        "scopes": ["services:read", "openid"],
        "device": str(DeviceCode.objects.get().uuid),
    }


def test_its_tokens_are_refreshed_like_others(cast: Cast) -> None:
    device = Device()
    device.answered(cast.bob)
    refresh = device.tokens()["refresh_token"]
    again = post("token", device.client, grant_type="refresh_token", refresh_token=refresh)
    assert gateway(again.json()["access_token"]) == 200
    reused = post("token", device.client, grant_type="refresh_token", refresh_token=refresh)
    assert error_of(reused) == (400, "invalid_grant")
    assert gateway(again.json()["access_token"]) == 401


@pytest.mark.requirement(174)
def test_a_device_that_polls_too_early_must_wait_longer_from_then_on() -> None:
    device = Device()
    assert error_of(device.poll_at_once()) == (400, "authorization_pending")
    for _ in range(2):
        assert error_of(device.poll_at_once()) == (400, "slow_down")
    assert DeviceCode.objects.get().interval == 15
    for waited, said in ((13, "slow_down"), (19, "authorization_pending"), (18, "slow_down")):
        polled_at = datetime.now(UTC) - waited * SECOND
        DeviceCode.objects.update(polled_at=polled_at)
        assert error_of(device.poll_at_once()) == (400, said), waited
    assert DeviceCode.objects.get().interval == 25


@pytest.mark.requirement(174)
def test_a_flood_of_polls_gets_nothing_and_the_answer_still_arrives(cast: Cast) -> None:
    device = Device()
    said = [device.poll_at_once().json()["error"] for _ in range(20)]
    assert said == ["authorization_pending", *["slow_down"] * 19]
    device.answered(cast.bob)
    assert device.poll_at_once().status_code == 200


@pytest.mark.requirement(174)
def test_a_denied_code_stays_denied(cast: Cast) -> None:
    device = Device()
    device.answered(cast.bob, "deny")
    assert error_of(device.poll()) == (400, "access_denied")
    assert "has expired or was answered" in text_of(device.answered(cast.bob, "allow"))
    assert error_of(device.poll()) == (400, "access_denied")
    assert not Consent.objects.exists()
    assert not Event.objects.filter(name=EventName.CONSENT_GIVEN).exists()
    denied = Event.objects.get(name=EventName.DEVICE_DENIED)
    assert (denied.actor_id, denied.detail) == (str(cast.bob.uuid), {"asked_from": device.ip})


@pytest.mark.requirement(174)
def test_an_expired_code_is_refused_to_the_device_and_to_the_person(cast: Cast) -> None:
    device = Device()
    device.age(devices.LIFETIME - 10 * SECOND)
    assert error_of(device.poll()) == (400, "authorization_pending")
    device.age(11 * SECOND)
    assert "has expired or was answered" in text_of(device.answered(cast.bob))
    assert error_of(device.poll()) == (400, "expired_token")
    assert not Consent.objects.exists()


def test_a_person_who_allows_at_the_last_moment_leaves_the_device_time_to_poll(cast: Cast) -> None:
    device = Device()
    device.age(devices.LIFETIME - 10 * SECOND)
    device.answered(cast.bob)
    device.age(11 * SECOND)
    assert device.poll().status_code == 200


def test_a_consent_whose_tokens_nobody_fetched_is_deleted_with_its_code(cast: Cast) -> None:
    unfetched, fetched = Device(), Device()
    for device in (unfetched, fetched):
        device.answered(cast.bob)
    fetched.tokens()
    devices.clear_ended()
    assert Consent.objects.count() == 2
    DeviceCode.objects.update(expires_at=datetime.now(UTC) - devices.KEPT - SECOND)
    devices.clear_ended()
    assert Consent.objects.get().client == fetched.client.row
    assert not DeviceCode.objects.exists()


@pytest.mark.requirement(174)
def test_a_code_of_another_client_is_worthless(cast: Cast) -> None:
    device, other = Device(), device_client()
    device.answered(cast.bob)
    answer = device.poll(client_id=other.row.client_id)
    assert error_of(answer) == (400, "invalid_grant")
    assert device.poll().status_code == 200


@pytest.mark.parametrize("code", ["", "odc_", "x" * 5_000, "é", "\0", "odc_" + "a" * 43])
def test_a_code_that_is_none_is_refused(code: str) -> None:
    error = error_of(Device().poll(device_code=code or None))
    assert error == (400, "invalid_grant" if code else "invalid_request")


def test_the_user_code_is_no_device_code() -> None:
    device = Device()
    assert error_of(device.poll(device_code=device.codes["user_code"])) == (400, "invalid_grant")


def test_a_client_with_a_secret_polls_with_it(cast: Cast) -> None:
    device = Device(device_client(is_public=False))
    device.answered(cast.bob)
    assert error_of(device.poll(client_secret=None)) == (401, "invalid_client")
    assert error_of(device.poll(client_secret="wrong")) == (401, "invalid_client")
    assert device.poll().status_code == 200


def test_a_person_who_was_deactivated_meanwhile_gives_nothing(cast: Cast) -> None:
    device = Device()
    device.answered(cast.bob)
    update_user(caller=caller_as(cast.ada), user=cast.bob, changes=UserChanges(is_active=False))
    assert error_of(device.poll()) == (400, "invalid_grant")
    assert not OAuthAccessToken.objects.exists()


def test_a_consent_that_was_withdrawn_meanwhile_gives_nothing(cast: Cast) -> None:
    device = Device()
    device.answered(cast.bob)
    withdraw_consents(caller=caller_as(cast.bob), selected=[Consent.objects.get()])
    assert error_of(device.poll()) == (400, "invalid_grant")


def test_a_client_that_may_no_longer_ask_from_devices_gets_nothing(cast: Cast) -> None:
    device = Device(device_client(redirect_uris=["https://app.example.org/callback"]))
    device.answered(cast.bob)
    changes = ClientChanges(device_grant=False)
    update_client(caller=caller_as(cast.ada), client=device.client.row, changes=changes)
    assert error_of(device.poll()) == (400, "unauthorized_client")
    assert "has expired or was answered" in text_of(Device.answered(device, cast.bob))


def test_a_scope_that_the_client_lost_meanwhile_is_not_granted(cast: Cast) -> None:
    device = Device(device_client("services:read", "openid"))
    device.answered(cast.bob)
    changes = ClientChanges(scopes=["openid"])
    update_client(caller=caller_as(cast.ada), client=device.client.row, changes=changes)
    assert device.tokens()["scope"] == "openid"


def test_a_client_that_lost_all_scopes_granted_gets_none_of_its_new_ones(cast: Cast) -> None:
    device = Device(device_client("services:read"))
    device.answered(cast.bob)
    changes = ClientChanges(scopes=["openid"])
    update_client(caller=caller_as(cast.ada), client=device.client.row, changes=changes)
    assert "scope" not in device.tokens()


@pytest.mark.requirement(174)
@pytest.mark.django_db(transaction=True)
def test_of_polls_at_the_same_moment_one_gets_the_tokens(cast: Cast) -> None:
    device = Device()
    device.answered(cast.bob)
    answers = at_once(lambda number: device.poll_at_once(), times=4)
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
    assert {answer.json()["error"] for answer in answers if answer.status_code == 400} == {"invalid_grant"}
    assert OAuthAccessToken.objects.count() == 1
