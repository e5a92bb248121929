"""A browser in the admin, and what a page says."""

from typing import Any
from urllib.parse import urlencode

from django.test import Client
from django.urls import reverse

from access.backoffice.forms import TicketField
from tests.conftest import PASSWORD

FORM = "application/x-www-form-urlencoded"
LOGIN = "/admin/login/"


def log_in(client: Client, name: str, password: str = PASSWORD) -> Any:
    return client.post(f"{LOGIN}?next=/admin/", {"username": name, "password": password})


def page(model: str, *arguments: Any) -> str:
    """The address of a page: page("accounts_user_change", 3)."""
    return reverse(f"admin:{model}", args=arguments)


def act(client: Client, model: str, action: str, *rows: Any, **values: Any) -> Any:
    """Choose an action for rows of a list, say of "apikeys_apikey"; follow to where that leads."""
    sent = {"action": action, "_selected_action": [row.pk for row in rows], **values}
    return send_form(client, page(f"{model}_changelist"), sent)


def send_form(client: Client, address: str, sent: dict[str, Any], *, follow: bool = True) -> Any:
    """Send a form as browsers do, and not as multipart, which takes long for many rows."""
    return client.post(address, urlencode(sent, doseq=True), content_type=FORM, follow=follow)


def confirm(client: Client, model: str, action: str, *rows: Any, **values: Any) -> Any:
    """Press the button of the page that asks."""
    return act(client, model, action, *rows, confirmed="True", **values)


def ticket_of(client: Client, address: str) -> dict[str, str]:
    """The hidden field of the form at this address, by which it makes one thing at most."""
    return {"ticket": client.get(address).context["form"]["ticket"].value()}


def ticket_asked(client: Client, model: str, action: str, *rows: Any) -> dict[str, str]:
    """The same of the page that asks before an action."""
    return {"ticket": act(client, model, action, *rows).context["form"]["ticket"].value()}


def new_ticket() -> dict[str, str]:
    """The same of a form that nobody opened."""
    return {"ticket": TicketField().initial()}


def text_of(response: Any) -> str:
    content: str = response.content.decode()
    return content


def errors_of(response: Any) -> dict[str, str]:
    """What a page says beside each field of its form; "" is beside none."""
    assert response.status_code == 200, response
    form = response.context["adminform"].form if "adminform" in response.context else response.context["form"]
    return {name.replace("__all__", ""): " ".join(errors) for name, errors in form.errors.items()}


def messages_of(response: Any) -> list[str]:
    """What the page after a redirect says at its top."""
    return [str(message) for message in response.context["messages"]]
