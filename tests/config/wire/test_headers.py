"""Headers and cookies of every answer to browsers, and cross-site requests."""

import pytest
from django.conf import settings
from django.test import Client

from tests.conftest import PASSWORD, Api, Cast, assert_problem
from tests.installation import ADMIN, Answer, Installation, Server, copy_of
from tests.logins import browser as browser_of

pytestmark = pytest.mark.once

FOREIGN = {"Origin": "https://evil.example", "Referer": "https://evil.example/page"}
PATHS = (
    "/health",
    "/api/v1/auth/me",
    "/docs",
    "/schema",
    "/admin/login/",
    "/nothing",
    "/static/keyhouse/admin.css",
)


@pytest.fixture(scope="module")
def https_login(after_first_start: Installation, tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """The admin's login page of a server whose public address is https, after a login was sent."""
    with (
        copy_of(after_first_start, tmp_path_factory.mktemp("https")) as installation,
        installation.serve(KEYHOUSE_PUBLIC_URL="https://keys.example.org") as server,
    ):
        return log_in_to_admin(server)


def log_in_to_admin(server: Server) -> Answer:
    page = server.request("GET", "/admin/login/")
    cookie = page.headers["set-cookie"].partition(";")[0]
    token = page.body.decode().partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    form = f"csrfmiddlewaretoken={token}&username=admin&password={ADMIN['KEYHOUSE_ADMIN_PASSWORD']}"
    headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    answer = server.request("POST", "/admin/login/", headers=headers, body=form.replace(" ", "+").encode())
    assert answer.status == 302, answer.body
    return Answer(answer.status, answer.headers | {"first-cookie": page.headers["set-cookie"]}, answer.body)


@pytest.mark.requirement(85)
def test_a_server_with_an_https_address_insists_on_it(https_login: Answer) -> None:
    """It includes subdomains (ASVS 3.4.1). Preloading is the domain owner's decision."""
    hsts = https_login.headers["strict-transport-security"]
    assert hsts == "max-age=31536000; includeSubDomains"


@pytest.mark.requirement(86)
def test_cookies_are_for_this_host_over_https_and_not_for_scripts(https_login: Answer) -> None:
    cookies = (https_login.headers["first-cookie"], https_login.headers["set-cookie"])
    assert cookies[0].startswith("__Host-keyhouse_csrf=")
    assert "__Host-keyhouse_session=" in cookies[1]
    for cookie in cookies:
        words = {word.strip().lower() for word in cookie.split(";")}
        assert {"secure", "httponly", "path=/", "samesite=lax"} <= words
        assert not any(word.startswith("domain") for word in words)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.requirement(85)
def test_every_answer_has_the_security_headers(path: str, db: None) -> None:
    headers = Client(raise_request_exception=False).get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["default-src"] == policy.get("script-src", "'self'") == "'self'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert len(headers["X-Request-ID"]) >= 8


@pytest.mark.requirement(85)
def test_the_server_reads_every_header(db: None) -> None:
    answer = Client().get("/health")
    assert list(answer.items()) == list(answer.headers.items())


def test_only_the_documentation_page_has_inline_styles(db: None) -> None:
    loose = {path for path in PATHS if "unsafe" in Client().get(path).headers["Content-Security-Policy"]}
    assert loose == {"/docs"}


@pytest.mark.parametrize("path", ["/api/v1/auth/me", "/health", "/nothing", "/admin/login/"])
def test_no_answer_is_kept_by_a_cache(path: str, db: None) -> None:
    assert "no-store" in Client().get(path).headers["Cache-Control"]


def test_a_plain_http_installation_sets_no_https_only_headers(db: None) -> None:
    assert settings.HTTPS is False
    assert "Strict-Transport-Security" not in Client().get("/health").headers


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.requirement(87)
def test_a_foreign_origin_gets_no_grant(path: str, db: None) -> None:
    answers = [Client().get(path, headers=FOREIGN)]
    preflight = {**FOREIGN, "Access-Control-Request-Method": "POST"}
    answers.append(Client().options(path, headers=preflight))
    for answer in answers:
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert answers[1].status_code == (404 if path == "/nothing" else 204)


@pytest.mark.requirement(88)
def test_a_post_with_a_session_and_no_csrf_token_is_refused(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies = browser_of(cast.ada).cookies
    for path in (
        "/admin/accounts/user/add/",
        "/admin/logout/",
        "/admin/login/",
        "/admin/apikeys/apikey/add/",
    ):
        assert_problem(client.post(path, {"username": "ada", "password": PASSWORD}), 403, "csrf_failed")


@pytest.mark.requirement(88)
def test_login_to_the_admin_needs_a_csrf_token(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    assert_problem(
        client.post("/admin/login/", {"username": "ada", "password": PASSWORD}), 403, "csrf_failed"
    )
    page = client.get("/admin/login/")
    token = page.content.decode().partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    form = {"username": "ada", "password": PASSWORD, "csrfmiddlewaretoken": token}
    foreign = client.post("/admin/login/", form, headers={"Origin": "https://evil.example"})
    assert_problem(foreign, 403, "csrf_failed")
    assert client.post("/admin/login/", form).status_code == 302


def test_a_session_of_the_admin_is_not_a_credential_of_the_api(cast: Cast) -> None:
    client = Client()
    client.cookies = browser_of(cast.ada).cookies
    assert client.get("/admin/").status_code == 200
    for path in ("/api/v1/auth/me", "/api/v1/api-keys", "/api/v1/audit"):
        assert_problem(client.get(path), 401, "not_authenticated")


def test_a_login_to_the_api_sets_no_cookie(cast: Cast) -> None:
    response = Api().post("auth/login", {"username": "alice", "password": PASSWORD})
    assert (response.status_code, dict(response.cookies)) == (200, {})
