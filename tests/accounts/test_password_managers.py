"""What password managers look for: which field is what, whose password it is, where to change it."""

import re
from typing import Any

import pytest
from django.test import Client

from tests.accounts import inviting
from tests.accounts.mail import test_registration
from tests.accounts.mail.test_registration import open_registration as open_registration
from tests.accounts.mailbox import Mailbox
from tests.accounts.passwords.test_password_reset import new_token
from tests.conftest import Cast
from tests.logins import browser
from tests.oauth.flow import BASE

pytestmark = pytest.mark.once

HTML = {"Accept": "text/html"}
# The second one offers passkeys, too (WebAuthn, conditional mediation).
VALUES = {"username", "username webauthn", "current-password", "new-password", "one-time-code", "name", "off"}


def fields(page: Any) -> dict[str, tuple[str, str]]:
    """The autocomplete and the value of each field that holds text, by name."""
    inputs = re.findall(r"<input[^>]*>", page.content.decode())
    found = [dict(re.findall(r'([\w-]+)="([^"]*)"', each)) for each in inputs]
    texts = [each for each in found if each.get("type") in {"text", "password", "email"}]
    return {each["name"]: (each.get("autocomplete", ""), each.get("value", "")) for each in texts}


def reset_page(cast: Cast, mailbox: Mailbox) -> Any:
    return Client().get("/reset-password", {"token": new_token(mailbox)})


def confirmation_page(cast: Cast, mailbox: Mailbox) -> Any:
    return Client().get("/confirm-email", {"token": test_registration.new_token(mailbox)})


def invitation_page(cast: Cast, mailbox: Mailbox) -> Any:
    return Client().get("/accept-invitation", {"token": inviting.invited(cast, mailbox)})


def change_page(cast: Cast, mailbox: Mailbox) -> Any:
    return Client().get("/change-password")


def login_page(cast: Cast, mailbox: Mailbox) -> Any:
    return Client().get(f"{BASE}/login")


def admin_login_page(cast: Cast, mailbox: Mailbox) -> Any:
    return Client().get("/admin/login/")


def own_password_page(cast: Cast, mailbox: Mailbox) -> Any:
    return browser(cast.ada).get("/account/security/password")


def new_person_page(cast: Cast, mailbox: Mailbox) -> Any:
    return browser(cast.ada).get("/admin/accounts/user/add/")


def second_factor_page(cast: Cast, mailbox: Mailbox) -> Any:
    return browser(cast.ada).get("/account/security/authenticator")


@pytest.mark.parametrize(
    ("open_page", "account"),
    [
        (reset_page, "alice"),
        (confirmation_page, test_registration.EVE),
        (invitation_page, inviting.EVE),
        (change_page, ""),
        (login_page, ""),
        (admin_login_page, ""),
        (second_factor_page, "ada"),
        (own_password_page, "ada"),
        (new_person_page, None),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_every_field_says_what_it_is_and_whose_password_it_is(
    open_page: Any, account: str | None, cast: Cast, mailbox: Mailbox, open_registration: None
) -> None:
    found = fields(open_page(cast, mailbox))
    assert {purpose for purpose, _ in found.values()} <= VALUES, found
    assert any(purpose.endswith("password") for purpose, _ in found.values())
    names = [value for purpose, value in found.values() if "username" in purpose.split()]
    assert names == ([] if account is None else [account])


@pytest.mark.parametrize("token", ["", "x", "a" * 64, "\0" * 64])
def test_a_link_that_is_no_good_names_nobody(token: str, db: None) -> None:
    assert "username" not in fields(Client().get("/reset-password", {"token": token}))


def test_browsers_find_the_page_to_change_a_password(db: None) -> None:
    answer = Client().get("/.well-known/change-password")
    assert (answer.status_code, answer["Location"]) == (302, "/change-password")
    nothing = "/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200"
    assert Client().get(nothing).status_code == Client(headers=HTML).get(nothing).status_code == 404
