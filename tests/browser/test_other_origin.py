"""The front end of a product, at an origin of its own, in a real browser (KEYHOUSE_CORS_ORIGINS)."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.browser.conftest import NAME, PASSWORD
from tests.installation import Installation

pytestmark = [pytest.mark.once, pytest.mark.slow]

# What a script reads of an answer: null if the browser lets it read nothing.
SEND = """
async ([method, url, headers, body]) => {
  try {
    const answer = await fetch(url, {method, headers, body});
    const text = await answer.text();
    return {
      status: answer.status,
      id: answer.headers.get("X-Request-ID"),
      challenge: answer.headers.get("WWW-Authenticate"),
      body: text && JSON.parse(text),
    };
  } catch (error) {
    return null;
  }
}
"""
JSON = {"Content-Type": "application/json"}
LOGIN = f'{{"username": "{NAME}", "password": "{PASSWORD}"}}'


class EmptyPage(BaseHTTPRequestHandler):
    """The page of a front end. The tests bring its scripts."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Front end</title>")

    def log_message(self, format: str, *args: object) -> None: ...


@contextmanager
def front_end() -> Iterator[int]:
    """Serve the page, and return the port. At 127.0.0.1 and at localhost it has two different origins."""
    with ThreadingHTTPServer(("127.0.0.1", 0), EmptyPage) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


class Script:
    """A script on a page, and the API that it calls."""

    def __init__(self, context: Any, origin: str, api: str) -> None:
        self.page, self.api = context.new_page(), api
        self.page.goto(origin)

    def send(self, method: str, path: str, headers: dict[str, str], body: str | None = None) -> Any:
        return self.page.evaluate(SEND, [method, f"{self.api}/{path}", headers, body])

    def log_in(self) -> Any:
        return self.send("POST", "auth/login", JSON, LOGIN)


def test_a_front_end_of_another_origin_uses_the_api_and_unlisted_ones_read_nothing(
    chromium: Any, installation: Installation
) -> None:
    with front_end() as port, closing(chromium.new_context()) as context:
        listed = f"http://127.0.0.1:{port}"
        with installation.serve(KEYHOUSE_CORS_ORIGINS=listed) as server:
            api = f"http://127.0.0.1:{server.port}/api/v1"
            lives_with_a_key(Script(context, listed, api))
            reads_why_it_is_refused(Script(context, listed, api))
            reads_nothing(Script(context, f"http://localhost:{port}", api))
    logins = installation.query("SELECT name FROM audit_event WHERE name LIKE 'login:%'")
    assert logins == [("login:succeeded",)]  # the unlisted page asked before it sent a password


def lives_with_a_key(script: Script) -> None:
    """Log in, refresh, make a key, see it, use it and revoke it."""
    refresh = script.log_in()["body"]["refresh_token"]
    tokens = script.send("POST", "auth/refresh", JSON, f'{{"refresh_token": "{refresh}"}}')["body"]
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    made = script.send("POST", "api-keys", bearer | JSON, '{"name": "Board", "scopes": ["keys:read"]}')
    assert made["status"] == 201, made
    key = {"X-API-Key": made["body"]["key"], "X-Request-ID": "front-end-42"}
    listed = script.send("GET", "api-keys", key)
    assert [each["name"] for each in listed["body"]["results"]] == ["Board"]
    assert listed["id"] == "front-end-42"
    revoked = script.send("DELETE", f"api-keys/{made['body']['id']}", bearer)
    assert revoked["status"] == 204
    assert script.send("GET", "api-keys", key)["status"] == 401


def reads_why_it_is_refused(script: Script) -> None:
    """Read the refusals of a view, of the router, of the event loop, and of OAuth2."""
    nobody = script.send("GET", "auth/me", {})
    assert (nobody["status"], nobody["body"]["code"]) == (401, "not_authenticated")
    assert nobody["challenge"].startswith("Bearer ")
    assert script.send("PUT", "api-keys", JSON, "{}")["body"]["code"] == "method_not_allowed"
    large = script.send("POST", "auth/login", JSON, "x" * (2**20 + 1))
    assert (large["status"], large["body"]["code"]) == (413, "too_large")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    token = script.send("POST", "auth/oauth2/token", form, "grant_type=client_credentials")
    assert (token["status"], token["body"]["error"]) == (401, "invalid_client")


def reads_nothing(script: Script) -> None:
    """Send what needs no preflight, and what needs one."""
    assert script.send("GET", "auth/me", {}) is None
    assert script.send("GET", "nothing", {}) is None
    assert script.log_in() is None
