"""A form for every address of the console that takes one, for tests that send it twice."""

from collections.abc import Callable
from typing import Any

from django.urls import reverse

from accounts.models import Session
from tests.conftest import PASSWORD
from tests.console.helpers import console_of


def log_in(world: Any) -> Callable[[], Any]:
    form = {"identifier": "bob", "password": PASSWORD}
    return lambda: world.flow.browser.post("/account/login", form)


def log_out(world: Any) -> Callable[[], Any]:
    return lambda: world.flow.browser.post("/account/logout")


def end_session(world: Any) -> Callable[[], Any]:
    form = {"session": str(Session.objects.filter(user=world.cast.bob)[1].uuid)}
    return lambda: world.flow.browser.post("/account/sessions", form)


def withdraw_consent(world: Any) -> Callable[[], Any]:
    form = {"consent": str(world.ids["consent"])}
    return lambda: world.flow.browser.post("/account/applications", form)


def forget_password(world: Any) -> Callable[[], Any]:
    return lambda: world.flow.browser.post("/account/forgot-password", {"email": "bob@example.org"})


def of_organization(
    address: str, form: dict[str, str], *parameters: str
) -> Callable[[Any], Callable[[], Any]]:
    """Send a form as ada to the page of Acme, or of bob's membership there, or of no organization."""

    def prepare(world: Any) -> Callable[[], Any]:
        ids = {"organization": world.cast.acme.uuid, "user": world.cast.bob.uuid}
        path = reverse(address, kwargs={each: ids[each] for each in parameters})
        sent = {name: text.format(**world.ids) for name, text in form.items()}
        browser = console_of(world.cast.ada)
        return lambda: browser.post(path, sent)

    return prepare


CONSOLE: dict[str, Callable[[Any], Callable[[], Any]]] = {
    "POST console-applications": withdraw_consent,
    "POST console-sessions": end_session,
    "POST login-page": log_in,
    "POST logout-page": log_out,
    "POST forgot-password-page": forget_password,
    "POST console-organization-new": of_organization("console-organization-new", {"name": "Initech"}),
    **{
        f"POST {address}": of_organization(address, form, "organization")
        for address, form in {
            "console-organization-settings": {"name": "Parasol", "requires_second_factor": "on"},
            "console-organization-delete": {},
            "console-member-add": {"user": "mallory", "role": "developer"},
            "console-invitations": {"withdraw": "{invitation}"},
            "console-invitation-new": {"email": "newer@example.net", "role": "developer"},
        }.items()
    },
    **{
        f"POST {address}": of_organization(address, form, "organization", "user")
        for address, form in {"console-member": {"role": "owner"}, "console-member-remove": {}}.items()
    },
}
