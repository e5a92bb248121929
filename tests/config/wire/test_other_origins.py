"""A browser at another origin than KEYHOUSE_PUBLIC_URL, and other services at the same host."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from tests.accounts.authenticator import enrolled
from tests.config.reading import read_settings
from tests.conftest import PASSWORD, Cast, assert_problem
from tests.logins import browser
from tests.oauth.flow import BASE, Flow, make_client

pytestmark = [pytest.mark.once, pytest.mark.slow]

PUBLIC = "https://keys.example.org"
ELSEWHERE: list[dict[str, str]] = [
    {"Origin": "http://keys.example.org"},
    {"Origin": "https://keys.example.org:8443"},
    {"Origin": "https://keys.example.org.evil.example"},
    {"Origin": "https://evil.example"},
    {"Origin": "https://[::1]:8000", "Host": "[::1]:8000"},
    {"Origin": "https://keys.example.org:99999"},
    {"Host": "127.0.0.1:8000"},
    {"Host": "localhost", "Origin": "null"},
    {"Host": "keys.example.org:8000"},
    {"Host": "[::1]:8000"},
]
AT_HOME: list[dict[str, str]] = [
    {"Host": "keys.example.org"},
    {"Host": "KEYS.example.org:443"},
    {"Host": "keys.example.org", "Origin": "null"},
    {"Host": "inner:8000", "Origin": PUBLIC},
]
PAGES = ("/admin/login/", f"{BASE}/login", "/reset-password")


def told(headers: dict[str, str], page: str = PAGES[0]) -> str:
    strict = Client(enforce_csrf_checks=True, headers={"Host": "keys.example.org"} | headers)
    detail: str = assert_problem(strict.post(page, {"username": "ada"}), 403, "csrf_failed")["detail"]
    return detail


@pytest.fixture
def at_https(settings: Any) -> None:
    settings.PUBLIC_URL, settings.ALLOWED_HOSTS = PUBLIC, ["*"]


@pytest.mark.parametrize("headers", ELSEWHERE, ids=str)
def test_a_browser_elsewhere_is_told_the_public_address(
    headers: dict[str, str], at_https: None, db: None
) -> None:
    detail = told(headers)
    assert f"Open {PUBLIC} instead" in detail and "Reload" not in detail


@pytest.mark.parametrize("headers", AT_HOME, ids=str)
def test_a_browser_at_the_public_address_is_told_to_reload(
    headers: dict[str, str], at_https: None, db: None
) -> None:
    assert "Reload" in told(headers)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_with_a_form_says_so(page: str, at_https: None, db: None) -> None:
    assert f"Open {PUBLIC} instead" in told({"Host": "127.0.0.1:8000"}, page)


def cookies_of_everything(cast: Cast) -> set[str]:
    """Return the names of all cookies that pages set for a person logged in to the admin and OAuth2."""
    enrolled(cast.audrey)
    admin, flow = browser(cast.ada), Flow(make_client(), cast.alice)
    flow.code()
    stranger = Client()
    for page in (
        *PAGES,
        "/docs",
        "/confirm-email",
        "/accept-invitation",
        "/recovery",
        "/undo-email-change",
        "/unsubscribe",
    ):
        assert stranger.get(page).status_code == 200
    for page in ("/admin/", "/account/security", "/admin/apikeys/apikey/add/"):
        assert admin.get(page).status_code == 200
    admin.post("/admin/apikeys/apikey/", {"action": "revoke"})
    return {name for client in (admin, flow.browser, stranger) for name in client.cookies}


def test_every_cookie_has_a_name_of_its_own(cast: Cast) -> None:
    """Cookies ignore ports (RFC 6265 section 8.5). Flask's cookie is session, Django's sessionid."""
    names = cookies_of_everything(cast)
    assert names == {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME}
    assert all(name.startswith("keyhouse_8000_") for name in names)


@pytest.mark.parametrize(
    ("public", "names"),
    [
        ("http://127.0.0.1:8000", ["keyhouse_8000_session", "keyhouse_8000_csrf"]),
        ("http://127.0.0.1:8203", ["keyhouse_8203_session", "keyhouse_8203_csrf"]),
        ("http://keys.example.org", ["keyhouse_session", "keyhouse_csrf"]),
        (PUBLIC, ["__Host-keyhouse_session", "__Host-keyhouse_csrf"]),
        (f"{PUBLIC}:8443", ["__Host-keyhouse_8443_session", "__Host-keyhouse_8443_csrf"]),
    ],
)
def test_two_installations_at_one_host_do_not_log_each_other_out(
    public: str, names: list[str], tmp_path: Path
) -> None:
    read = read_settings(tmp_path, KEYHOUSE_PUBLIC_URL=public)
    assert [read["SESSION_COOKIE_NAME"], read["CSRF_COOKIE_NAME"]] == names


def test_a_flask_client_at_the_same_host_keeps_its_own_session(cast: Cast) -> None:
    """A service at another port of the host gets our cookies, and we get its."""
    flow = Flow(make_client(), cast.alice)
    flow.browser.cookies["session"] = "eyJzdGF0ZSI6ImEifQ.flask"
    flow.browser.cookies["sessionid"] = flow.browser.cookies["csrftoken"] = "django"
    assert flow.code()
    assert flow.browser.cookies["session"].value == "eyJzdGF0ZSI6ImEifQ.flask"
    again = flow.browser.post(f"{BASE}/login", {"identifier": "alice", "password": PASSWORD})
    assert again.status_code == 302
