"""A browser in the console."""

from typing import Any

from django.test import Client

from accounts.models import User
from tests.conftest import PASSWORD


def console_of(user: User, **options: Any) -> Client:
    """The browser of somebody who has logged in at the console."""
    client = Client(headers={"Accept": "text/html"}, **options)
    form = {"identifier": user.login_name, "password": PASSWORD}
    assert client.post("/account/login", form).status_code == 302
    return client


def strict(client: Client) -> Client:
    """The same browser, whose forms have no CSRF token."""
    other = Client(enforce_csrf_checks=True, headers={"Accept": "text/html"})
    other.cookies = client.cookies
    return other
