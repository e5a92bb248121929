"""Our own pages behind mailed links, as a browser sees them."""

import re
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import PasswordReset, User
from config.wire.error_pages import NOT_ACCEPTED
from tests.accounts.mailbox import Mailbox
from tests.accounts.passwords.test_password_reset import NEW, new_token
from tests.admin.helpers import text_of
from tests.conftest import PASSWORD, Cast, assert_problem

PAGE = "/reset-password"
HTML = {"Accept": "text/html"}


class Browser:
    """A browser that has followed a link: it keeps cookies, and sends forms as from a no-referrer page."""

    def __init__(self, token: str, page: str = PAGE) -> None:
        self.page = page
        self.client = Client(enforce_csrf_checks=True, headers=HTML)
        self.shown = self.client.get(page, {"token": token})
        assert self.shown.status_code == 200

    def hidden(self, name: str) -> str:
        found = re.search(rf'name="{name}" value="([^"]*)"', self.shown.content.decode())
        assert found, self.shown.content
        return found[1]

    def send(self, **typed: str) -> Any:
        names = ("token", "csrfmiddlewaretoken")
        form = {name: self.hidden(name) for name in names} | typed
        return self.client.post(self.page, form, headers={"Origin": "null"})


def has_password(user: User, password: str) -> bool:
    return check_password(password, User.objects.get(pk=user.pk).password)


def test_a_person_types_a_new_password_behind_the_link(cast: Cast, mailbox: Mailbox) -> None:
    answer = Browser(new_token(mailbox)).send(new_password=NEW)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/recovery?token=")
    assert "is changed" in Client().get(answer["Location"]).content.decode()
    assert has_password(cast.alice, NEW)
    assert settings.SESSION_COOKIE_NAME not in answer.cookies


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.requirement(45)
def test_looking_at_the_link_spends_nothing_and_reads_one_row(
    cast: Cast, mailbox: Mailbox, method: str
) -> None:
    token = new_token(mailbox)
    with CaptureQueriesContext(connection) as captured:
        for _ in range(3):
            assert getattr(Client(), method)(PAGE, {"token": token}).status_code == 200
    assert [query["sql"][:6] for query in captured.captured_queries] == ["SELECT"] * 3
    assert PasswordReset.objects.exists()
    assert Browser(token).send(new_password=NEW).status_code == 302


@pytest.mark.requirement(45)
def test_the_page_tells_no_other_site_its_address(cast: Cast, mailbox: Mailbox) -> None:
    browser = Browser(new_token(mailbox))
    for answer in (browser.shown, browser.send(new_password="short"), browser.send(new_password=NEW)):
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "no-store" in answer.headers["Cache-Control"]
    loaded = re.findall(r'(?:src|href|action)="([^"]+)"', browser.shown.content.decode())
    assert loaded and all(address.startswith("/") for address in loaded)


@pytest.mark.requirement(85)
def test_the_page_is_under_the_strict_policy(db: None) -> None:
    shown = Client().get(PAGE)
    policy = shown.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "form-action 'self'" in policy and "unsafe" not in policy
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=", shown.content.decode())
    for address in re.findall(r'href="(/static/[^"]+)"', shown.content.decode()):
        assert Client().get(address).status_code == 200


@pytest.mark.requirement(88)
def test_the_form_needs_its_csrf_token(cast: Cast, mailbox: Mailbox) -> None:
    browser = Browser(new_token(mailbox))
    assert NOT_ACCEPTED in text_of(browser.send(new_password=NEW, csrfmiddlewaretoken="x" * 64))
    foreign = {"Origin": "https://evil.example"}
    form = {name: browser.hidden(name) for name in ("token", "csrfmiddlewaretoken")} | {"new_password": NEW}
    assert NOT_ACCEPTED in text_of(browser.client.post(PAGE, form, headers=foreign))
    without_cookie = Client(enforce_csrf_checks=True)
    assert_problem(without_cookie.post(PAGE, form, headers={"Origin": "null"}), 403, "csrf_failed")
    assert has_password(cast.alice, PASSWORD)
    assert browser.client.post(PAGE, form, headers={"Origin": "http://testserver"}).status_code == 302


def test_what_is_wrong_is_said_on_the_page(cast: Cast, mailbox: Mailbox) -> None:
    browser = Browser(new_token(mailbox))
    short = browser.send(new_password="short")
    assert short.status_code == 400
    assert "at least 15 characters" in short.content.decode()
    assert "short" not in re.findall(r'value="([^"]*)"', short.content.decode())
    assert "This field is required" in browser.send(new_password="").content.decode()
    assert browser.send(new_password=NEW).status_code == 302
    used = browser.send(new_password=NEW + " once more")
    assert used.status_code == 400
    assert "This link is wrong, used or expired" in used.content.decode()


@pytest.mark.parametrize("token", ["", '"><script>alert(1)</script>', "x" * 5000])
def test_an_invalid_link_shows_the_page_and_changes_nothing(cast: Cast, token: str) -> None:
    browser = Browser(token)
    assert "<script" not in browser.shown.content.decode()
    answer = browser.client.post(
        PAGE,
        {"token": token, "new_password": NEW, "csrfmiddlewaretoken": browser.hidden("csrfmiddlewaretoken")},
    )
    assert answer.status_code == 400
    assert "This link" in answer.content.decode()


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_other_methods_are_refused(db: None, method: str) -> None:
    assert_problem(Client().generic(method, PAGE), 405, "method_not_allowed")


@pytest.mark.parametrize("path", ["/api/v1/auth/reset-password", "/health", "/reset-password/", "/docs"])
@pytest.mark.requirement(15)
def test_a_token_in_any_other_address_is_refused(db: None, path: str) -> None:
    assert_problem(Client().get(path, {"token": "x"}), 400, "invalid_request")


@pytest.mark.parametrize("name", ["password", "access_token", "api_key"])
@pytest.mark.requirement(15)
def test_another_secret_in_the_address_of_the_page_is_refused(db: None, name: str) -> None:
    assert_problem(Client().get(PAGE, {name: "x"}), 400, "invalid_request")
