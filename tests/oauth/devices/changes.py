"""A request to each door of the device grant, for tests that send it twice."""

from collections.abc import Callable
from typing import Any

from tests.oauth.devices.flow import Device, ask, device_client


def ask_from_device(world: Any) -> Callable[[], Any]:
    client = device_client()
    return lambda: ask(client)


def answer_device(world: Any) -> Callable[[], Any]:
    page = Device().page
    return lambda: world.flow.browser.post(page, {"answer": "allow"})


DEVICES: dict[str, Callable[[Any], Callable[[], Any]]] = {
    "POST oauth2-device-authorization": ask_from_device,
    "POST device-page": answer_device,
}
