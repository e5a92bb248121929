"""A request for every address of webhooks that changes something, for tests that send it twice."""

from collections.abc import Callable
from typing import Any

from django.urls import reverse

from tests.accounts.helpers import caller_as
from tests.admin.helpers import ticket_of
from tests.conftest import Cast, as_user
from tests.console.helpers import console_of
from webhooks.models import Webhook
from webhooks.services.webhooks import create_webhook

URL = "https://hooks.example.org/"

Prepare = Callable[[Any], Callable[[], Any]]


def hook_of(cast: Cast) -> Webhook:
    """A webhook of Acme that ada has set up."""
    return create_webhook(caller=caller_as(cast.ada), organization=cast.acme, url=URL).row


def of_webhook(method: str, name: str, body: Any = None) -> Prepare:
    """Send a JSON body as ada, to the list or to a webhook of Acme."""

    def prepare(world: Any) -> Callable[[], Any]:
        row = hook_of(world.cast)
        path = reverse(name, args=[] if name == "webhook-list" else [row.uuid])
        api = as_user(world.cast.ada)
        if method == "delete":
            return lambda: api.delete(path)
        return lambda: getattr(api, method)(path, body)

    return prepare


def on_page(name: str, form: dict[str, str]) -> Prepare:
    """Send a form as alice, who owns Acme."""

    def prepare(world: Any) -> Callable[[], Any]:
        row, acme = hook_of(world.cast), world.cast.acme
        path, browser = reverse(name, args=[acme.uuid, row.uuid]), console_of(world.cast.alice)
        return lambda: browser.post(path, form)

    return prepare


def new_on_page(world: Any) -> Callable[[], Any]:
    path, browser = reverse("console-webhook-new", args=[world.cast.acme.uuid]), console_of(world.cast.alice)
    form = {"url": URL, **ticket_of(browser, path)}
    return lambda: browser.post(path, form)


WEBHOOKS: dict[str, Prepare] = {
    "POST webhook-list": of_webhook("post", "webhook-list", {"url": URL}),
    "PATCH webhook-detail": of_webhook("patch", "webhook-detail", {"description": "ours", "enabled": False}),
    "DELETE webhook-detail": of_webhook("delete", "webhook-detail"),
    "POST webhook-rotate": of_webhook("post", "webhook-rotate", {}),
    "POST webhook-test": of_webhook("post", "webhook-test"),
    "POST console-webhook-new": new_on_page,
    "POST console-webhook": on_page("console-webhook", {"action": "disable"}),
    "POST console-webhook-edit": on_page("console-webhook-edit", {"url": URL, "description": "ours"}),
    "POST console-webhook-delete": on_page("console-webhook-delete", {}),
}
