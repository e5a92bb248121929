"""One request for each address of keys and quotas that takes more than GET, for tests that send it twice."""

from collections.abc import Callable
from typing import Any

from apikeys.models import ApiKeyQuerySet
from tests.console.changes import make_disabled, make_narrowed, make_unneeded

Send = Callable[[], Any]


def with_keys(action: str, prepare: Callable[[ApiKeyQuerySet], object]) -> Callable[[Any], Send]:
    """Prepare bob's keys for the action."""

    def ready(world: Any) -> Send:
        prepare(world.cast.bob.api_keys.all())
        return lambda: world.bob.post(f"api-keys/{world.ids['api-key']}/{action}")

    return ready


def key_quota(world: Any) -> Send:
    return lambda: world.bob.patch(f"api-keys/{world.ids['api-key']}/quota", {"day": 5})


def organization_quota(world: Any) -> Send:
    return lambda: world.ada.patch(f"organizations/{world.cast.acme.uuid}/quota", {"day": 5})


def report_use(world: Any) -> Send:
    body = {"id": "job-1", "credential": f"key:{world.ids['api-key']}", "units": 3}
    return lambda: world.ada.post("/gateway/report", body)


KEYS: dict[str, Callable[[Any], Send]] = {
    "POST api-key-enable": with_keys("enable", make_disabled),
    "POST api-key-narrow": with_keys("narrow", make_unneeded),
    "POST api-key-widen": with_keys("widen", make_narrowed),
    "PATCH api-key-quota": key_quota,
    "PATCH organization-quota": organization_quota,
    "POST gateway-report": report_use,
}
