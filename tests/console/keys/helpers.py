"""What the tests of the key pages send, and read from the answers."""

import html
import re
from typing import Any

from django.test import Client

from apikeys.models import ApiKey
from audit.models import Event

LIST, NEW = "/account/keys", "/account/keys/new"


def form_of(client: Client) -> dict[str, Any]:
    """What a browser sends if one types a name and nothing else."""
    form = client.get(NEW).context["form"]
    return {"name": "CI"} | {
        name: form[name].value() for name in form.fields if form[name].value() not in (None, "")
    }


def make(client: Client, **typed: Any) -> Any:
    return client.post(NEW, form_of(client) | typed)


def key_in(answer: Any) -> str:
    """The text of the key that a page shows once."""
    found = re.search(r'id="new-key">([^<]+)<', answer.content.decode())
    assert found, answer.content.decode()[-3000:]
    return found[1]


def page_of(key: ApiKey, what: str = "") -> str:
    return f"{LIST}/{key.uuid}{'/' if what else ''}{what}"


def text_of(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def names_in(answer: Any) -> list[str]:
    """The names of the keys in a list, in its order."""
    return [row.key.name for row in answer.context["keys"]]


def last_event() -> tuple[str, str]:
    """The name of the newest event, and who did it."""
    event = Event.objects.latest("sequence")
    return event.name, event.actor_id
