"""A device and its person: what they send, step by step, so that tests can leave the path anywhere."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.test import Client

from accounts.models import User
from oauth.models import DeviceCode
from oauth.protocol.validator import DEVICE_GRANT
from oauth.services.clients import NewClient
from tests.console.helpers import console_of
from tests.oauth.flow import BASE, FORM, make_client, post

ENTRY = "/device"


def device_client(*scopes: str, **options: Any) -> NewClient:
    """A public client that may only ask from devices."""
    values: dict[str, Any] = {
        "redirect_uris": [],
        "is_public": True,
        "device_grant": True,
        "name": "Command line",
    } | options
    return make_client(*scopes, **values)


def proof_of_device() -> dict[str, str]:
    """What such a client says about itself."""
    return {"client_id": device_client().row.client_id}


@dataclass
class Device:
    """A device that has asked, as a client that says who it is in the body."""

    client: NewClient = field(default_factory=device_client)
    scope: str | None = None
    ip: str = "198.51.100.7"
    codes: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        answer = ask(self.client, scope=self.scope, ip=self.ip)
        assert answer.status_code == 200, answer.content
        self.codes = answer.json()

    @property
    def page(self) -> str:
        """The address of the page about it."""
        return f"{ENTRY}?{urlencode({'user_code': self.codes['user_code']})}"

    def poll(self, **changed: str | None) -> Any:
        """Poll, after the interval: as if the last poll had been a minute ago."""
        DeviceCode.objects.exclude(polled_at=None).update(polled_at=datetime.now(UTC) - timedelta(minutes=1))
        return self.poll_at_once(**changed)

    def poll_at_once(self, **changed: str | None) -> Any:
        sent = {"grant_type": DEVICE_GRANT, "device_code": self.codes["device_code"]}
        return post("token", self.client, **(sent | changed))

    def tokens(self) -> dict[str, Any]:
        answer = self.poll()
        assert answer.status_code == 200, answer.content
        found: dict[str, Any] = answer.json()
        return found

    def answered(self, user: User | Client, answer: str = "allow") -> Any:
        """What the page says after a person has answered."""
        browser = user if isinstance(user, Client) else console_of(user)
        return browser.post(self.page, {"answer": answer}, follow=True)

    def age(self, by: timedelta) -> None:
        """Let it have asked earlier."""
        row = DeviceCode.objects.latest("pk")
        times = {name: getattr(row, name) - by for name in ("asked_at", "expires_at")}
        DeviceCode.objects.filter(pk=row.pk).update(**times)


def ask(client: NewClient | None, *, ip: str = "198.51.100.7", **members: str | None) -> Any:
    """Send a request to the device authorization endpoint."""
    known: dict[str, str | None] = {}
    if client is not None:
        known = {"client_id": client.row.client_id, "client_secret": client.secret or None}
    sent = {name: value for name, value in (known | members).items() if value is not None}
    browser = Client(raise_request_exception=False, REMOTE_ADDR=ip)
    return browser.post(f"{BASE}/device_authorization", urlencode(sent), content_type=FORM)


def error_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]
