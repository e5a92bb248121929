"""The device authorization endpoint: which clients may ask, for what, and how often."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from audit.events import EventName
from audit.models import Event
from oauth.models import DeviceCode
from oauth.services import devices
from oauth.services.clients import delete_clients
from tests.accounts.helpers import caller_as
from tests.conftest import Cast
from tests.oauth.devices.flow import Device, ask, device_client, error_of
from tests.oauth.flow import BASE, FORM, make_client

pytestmark = pytest.mark.django_db


@pytest.mark.requirement(172)
def test_a_device_gets_a_code_to_show_and_one_to_poll_with() -> None:
    codes = Device(device_client("services:read", "openid")).codes
    assert re.fullmatch(r"odc_[A-Za-z0-9_-]{43}", codes["device_code"])
    assert re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", codes["user_code"])
    page = f"{settings.PUBLIC_URL}/device"
    assert codes == {
        "device_code": codes["device_code"],
        "user_code": codes["user_code"],
        "verification_uri": page,
        "verification_uri_complete": f"{page}?user_code={codes['user_code']}",
        "expires_in": 600,
        "interval": 5,
    }


@pytest.mark.requirement(172)
def test_only_digests_of_the_codes_are_stored() -> None:
    codes = Device().codes
    stored = str(DeviceCode.objects.values().get())
    assert codes["device_code"] not in stored
    assert codes["user_code"] not in stored and codes["user_code"].replace("-", "") not in stored
    assert codes["user_code"] not in str(list(Event.objects.values()))


@pytest.mark.requirement(173)
def test_asking_records_nothing_because_strangers_ask_too() -> None:
    Device(device_client("services:read"))
    assert {event.name for event in Event.objects.all()} == {EventName.OAUTH_CLIENT_CREATED}


@pytest.mark.requirement(172)
@pytest.mark.parametrize("kind", ["public", "confidential", "machine"])
def test_a_client_that_was_not_allowed_to_ask_from_devices_is_refused(kind: str, cast: Cast) -> None:
    kinds: dict[str, dict[str, Any]] = {"machine": {"owner": cast.acme}, "public": {"is_public": True}}
    client = make_client("services:read", **kinds.get(kind, {}))
    assert error_of(ask(client)) == (400, "unauthorized_client")
    assert not DeviceCode.objects.exists()


def test_a_client_with_a_secret_must_send_it() -> None:
    client = device_client(is_public=False)
    assert ask(client).status_code == 200
    for secret in (None, "wrong", "ocs_" + "a" * 43):
        assert error_of(ask(client, client_secret=secret)) == (401, "invalid_client")


@pytest.mark.parametrize(
    "client_id",
    [None, "", "unknown", "é", "‮x", "x" * 5_000, "😀" * 5_000, "\0", "a\r\nb", "' OR 1=1 --"],
)
def test_an_unknown_client_is_refused_whatever_it_is_called(client_id: str | None) -> None:
    assert error_of(ask(None, client_id=client_id)) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("scope", "error"),
    [
        ("keys:write", "invalid_scope"),
        ("no:such", "invalid_scope"),
        ("services:read\x00", "invalid_scope"),
        ("“quoted”", "invalid_scope"),
        ("x" * 5_000, "invalid_scope"),
    ],
)
def test_a_device_asks_only_for_scopes_of_its_client(scope: str, error: str) -> None:
    assert error_of(ask(device_client("services:read"), scope=scope)) == (400, error)


def test_a_parameter_with_the_name_of_an_attribute_changes_nothing() -> None:
    client = device_client("services:read", "openid")
    more = "&scopes=keys:write&user=1&client=x&grant_type=x&scope=openid"
    body = f"client_id={client.row.client_id}{more}"
    assert Client().post(f"{BASE}/device_authorization", body, content_type=FORM).status_code == 200
    assert DeviceCode.objects.get().scopes == ["openid"]


def test_a_repeated_parameter_is_refused() -> None:
    client_id = device_client().row.client_id
    body = f"client_id={client_id}&client_id={client_id}"
    answer = Client().post(f"{BASE}/device_authorization", body, content_type=FORM)
    assert error_of(answer) == (400, "invalid_request")


@pytest.mark.requirement(173)
def test_so_many_devices_of_one_client_wait_at_one_address_and_no_more(monkeypatch: Any) -> None:
    monkeypatch.setattr(devices, "MOST_OPEN", 3)
    client = device_client()
    first = Device(client, ip="2001:db8::1")
    for number in (2, 3):
        Device(client, ip=f"2001:db8::{number}")  # one address: the same /64
    refused = ask(client, ip="2001:db8::4")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 600
    Device(client, ip="2001:db8:1::4")
    Device(device_client(), ip="2001:db8::4")
    DeviceCode.objects.filter(pk=DeviceCode.objects.earliest("pk").pk).update(denied_at=datetime.now(UTC))
    assert ask(client, ip="2001:db8::4").status_code == 200
    assert first.poll().json() == {"error": "access_denied"}


def has_ended(device: Device) -> bool:
    """Whether the code of a device is gone."""
    told = device.poll().json()["error"]
    assert told in {"authorization_pending", "invalid_grant"}
    return bool(told == "invalid_grant")


@pytest.mark.requirement(173)
@pytest.mark.parametrize("site", ["2001:db8:1:{}::1", "198.51.100.{}"])
def test_a_stranger_with_many_addresses_ends_their_own_codes_first(site: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(devices, "MOST_OPEN_ANYWHERE", 4)
    client = device_client()
    person = Device(client, ip="203.0.113.1")
    strangers = [Device(client, ip=site.format(number)) for number in range(1, 9)]
    another = Device(client, ip="2001:db8:2::1")
    assert not has_ended(person) and not has_ended(another)
    assert [has_ended(each) for each in strangers] == [True] * 6 + [False] * 2
    assert DeviceCode.objects.count() == 4


@pytest.mark.requirement(173)
def test_of_codes_from_everywhere_the_oldest_that_waits_ends(monkeypatch: Any) -> None:
    monkeypatch.setattr(devices, "MOST_OPEN_ANYWHERE", 3)
    client, other = device_client(), device_client()
    waiting = [Device(client, ip=f"2001:db8:{number}::1") for number in range(3)]
    Device(other)
    DeviceCode.objects.filter(pk=DeviceCode.objects.earliest("pk").pk).update(denied_at=datetime.now(UTC))
    waiting.append(Device(client, ip="2001:db8:3::1"))  # in place of the one that was answered
    waiting.append(Device(client, ip="2001:db8:4::1"))
    assert waiting[0].poll().json() == {"error": "access_denied"}
    assert [has_ended(each) for each in waiting[1:]] == [True, False, False, False]
    assert DeviceCode.objects.filter(client=other.row).exists()


@pytest.mark.requirement(173)
@pytest.mark.parametrize("ip", ["10.0.0.1", ""])
def test_devices_without_an_address_of_their_own_count_only_for_the_client(
    ip: str, settings: Any, monkeypatch: Any
) -> None:
    settings.TRUSTED_PROXIES = ("10.0.0.0/8",)
    monkeypatch.setattr(devices, "MOST_OPEN", 1)
    monkeypatch.setattr(devices, "MOST_OPEN_ANYWHERE", 3)
    client = device_client()
    assert [ask(client, ip=ip).status_code for _ in range(4)] == [200] * 4
    assert DeviceCode.objects.count() == 3


def test_codes_go_with_their_client(cast: Cast) -> None:
    device = Device()
    delete_clients(caller=caller_as(cast.ada), selected=[device.client.row])
    assert not DeviceCode.objects.exists()
    assert error_of(device.poll()) == (401, "invalid_client")


def test_old_codes_are_deleted_and_new_ones_stay() -> None:
    old, _ = Device(), Device()
    DeviceCode.objects.filter(client=old.client.row).update(
        expires_at=datetime.now(UTC) - devices.KEPT - timedelta(seconds=1)
    )
    devices.clear_ended()
    assert DeviceCode.objects.count() == 1
    assert error_of(old.poll()) == (400, "invalid_grant")
