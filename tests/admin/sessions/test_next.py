"""Where `next` leads after a login or a logout: to a page of ours, or to the front page."""

from urllib.parse import quote

import pytest
from django.test import Client

from tests.admin.helpers import LOGIN
from tests.conftest import PASSWORD, Cast
from tests.logins import browser

pytestmark = pytest.mark.once

ELSEWHERE = [
    "https://evil.example",
    "https://evil.example/admin/",
    "http://evil.example",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "HTTPS://EVIL.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "ftp://testserver/",
    "http://testserver@evil.example/",
    "http://testserver.evil.example/",
    "http://evil.example#testserver",
    "//evil.example/%2e%2e",
    "http://[::1",
    "",
    "\t//evil.example",
    "/\t/evil.example",
    "\x00//evil.example",
    " //evil.example",
    "http:\\\\evil.example",
    "//\u3002evil",
]
OURS = ["/admin/", "/admin/accounts/user/?role=admin", "/admin/apikeys/apikey/1/change/"]


def sent(cast: Cast, *, query: str = "", body: str | None = None) -> str:
    """Where the browser is sent after a right login."""
    form = {"username": "ada", "password": PASSWORD} | ({} if body is None else {"next": body})
    answer = Client().post(f"{LOGIN}{query}", form)
    assert answer.status_code == 302, answer.content
    return str(answer.headers["Location"])


@pytest.mark.parametrize("address", ELSEWHERE)
def test_a_foreign_next_leads_to_the_front_page(cast: Cast, address: str) -> None:
    query = f"?next={quote(address)}"
    assert sent(cast, query=query) == "/admin/"
    assert sent(cast, body=address) == "/admin/"
    assert sent(cast, query=query, body=address) == "/admin/"


@pytest.mark.parametrize("address", OURS)
def test_a_page_of_ours_is_gone_to(cast: Cast, address: str) -> None:
    assert sent(cast, query=f"?next={quote(address)}") == address
    assert sent(cast, body=address) == address


def test_without_next_the_front_page_is_next(cast: Cast) -> None:
    assert sent(cast) == "/admin/"


@pytest.mark.parametrize("address", ELSEWHERE)
def test_a_person_who_is_logged_in_already_is_led_nowhere_else(cast: Cast, address: str) -> None:
    ada = browser(cast.ada)
    answer = ada.get(f"{LOGIN}?next={quote(address)}")
    assert (answer.status_code, answer.headers.get("Location")) == (302, "/admin/")
    form = Client().get(f"{LOGIN}?next={quote(address)}").content.decode()
    assert '<input type="hidden" name="next" value="">' in form
    answer = ada.post(f"/admin/logout/?next={quote(address)}", {"next": address})
    assert (answer.status_code, answer.headers.get("Location")) == (200, None)
    assert "Logged out" in answer.content.decode()


@pytest.mark.parametrize("address", ELSEWHERE)
def test_a_login_for_a_client_leads_nowhere_else(cast: Cast, address: str) -> None:
    form = {"identifier": "ada", "password": PASSWORD, "next": address}
    answer = Client().post(f"/api/v1/auth/oauth2/login?next={quote(address)}", form)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/account/")
