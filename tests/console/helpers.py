"""A browser in the console."""

import re
from typing import Any

from django.test import Client

from accounts.models import User
from audit.models import Event
from tests.accounts.authenticator import App
from tests.conftest import PASSWORD
from tests.logins import browser

SECURITY = "/account/security"
AUTHENTICATOR = f"{SECURITY}/authenticator"
SECRET = re.compile(r'id="secret">([A-Z2-7]{32})<')
RECOVERY = re.compile(r"<li><code>([0-9a-z-]{19})</code></li>")


def console_of(user: User, totp_code: str = "", **options: Any) -> Client:
    """The browser of somebody who has logged in at the console."""
    return at_the_form(user, totp_code, **options) if totp_code else browser(user, **options)


def at_the_form(user: User, totp_code: str = "", **options: Any) -> Client:
    """The browser of somebody who has logged in by the form of the console."""
    client = Client(**{"headers": {"Accept": "text/html"}, **options})
    form = {"identifier": user.login_name, "password": PASSWORD, "totp_code": totp_code}
    assert client.post("/account/login", form).status_code == 302
    return client


def strict(client: Client) -> Client:
    """The same browser, whose forms have no CSRF token."""
    other = Client(enforce_csrf_checks=True, headers={"Accept": "text/html"})
    other.cookies = client.cookies
    return other


def begun(client: Client) -> App:
    """The app of somebody who has not confirmed it yet."""
    [secret] = SECRET.findall(client.post(AUTHENTICATOR, {"password": PASSWORD}).content.decode())
    return App(secret, [])


def added(client: Client) -> App:
    """The app that somebody adds in the console."""
    app = begun(client)
    answer = client.post(f"{AUTHENTICATOR}/confirm", {"code": app.code()})
    return App(app.secret, RECOVERY.findall(answer.content.decode()))


def text_of(answer: Any) -> str:
    text: str = answer.content.decode()
    return text


def newest() -> Event:
    return Event.objects.latest("sequence")
