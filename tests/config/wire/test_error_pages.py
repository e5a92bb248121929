"""Errors for people with a browser: pages with plain words, which need no database."""

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from pytest_django.fixtures import Settings

from tests.conftest import Cast

HTML = {"Accept": "text/html"}
WORDS = {
    "bug": (500, "Something went wrong here", "tell an administrator the request number"),
    "database": (503, "The service cannot answer now", "The database cannot be reached. Try again."),
    "denied": (403, "You cannot open this page", "Your role does not allow it."),
    "suspicious": (400, "This request cannot be answered", "The request is malformed."),
    "refused": (400, "This request cannot be answered", "No."),
    "not found": (404, "There is no such page", "The address may be mistyped"),
}


@pytest.mark.parametrize("name", WORDS)
@pytest.mark.requirement(91)
def test_a_failing_page_says_what_happened_and_where_to_go(name: str, settings: Settings) -> None:
    # Without the fixture `db` a query would fail the test.
    settings.ROOT_URLCONF = "tests.config.failing_urls"
    client = Client(raise_request_exception=False, headers=HTML | {"X-Request-ID": "a-request-id"})
    page = client.get(f"/admin/fail/{name}")
    status, title, words = WORDS[name]
    text = page.content.decode()
    assert (page.status_code, page.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    for expected in (f"<h1>{title}</h1>", words, "<code>a-request-id</code>", '<a href="/account/">'):
        assert expected in text
    assert "secret detail" not in text
    assert "/static/keyhouse/page.css" in text and finders.find("keyhouse/page.css")


def test_an_error_page_keeps_the_headers_of_the_error(settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.config.failing_urls"
    page = Client(raise_request_exception=False, headers=HTML).get("/admin/fail/database")
    assert page.headers["Retry-After"] == "2"
    assert page.headers["Cache-Control"] == "no-store"


def test_a_form_without_its_token_is_answered_with_a_page(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True, headers=HTML | {"Host": "127.0.0.1:8000"})
    page = client.post("/admin/login/", {"username": "ada", "password": "x"})
    assert page.status_code == 403
    assert "<h1>This form was not accepted</h1>" in page.content.decode()
    assert "Reload the page and send the form again." in page.content.decode()


def test_a_method_that_a_page_does_not_take_is_answered_with_a_page(cast: Cast) -> None:
    page = Client(headers=HTML).put("/admin/login/")
    assert (page.status_code, page.headers["Allow"]) == (405, "GET, HEAD, OPTIONS, POST")
    assert "<h1>Method Not Allowed</h1>" in page.content.decode()
