"""What a person allows reaches the client, wherever it is and wherever it goes from there."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET, AF_INET6
from threading import Thread
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.browser.chromium import has_ipv6
from tests.browser.conftest import OAUTH2, Visit, visiting
from tests.installation import Installation

pytestmark = [pytest.mark.once, pytest.mark.slow]

PAGES = {
    "/callback": "Thank you",
    "/popup": "<script>opener.postMessage(location.search, '*'); window.close()</script>",
    "/opener": "<script>onmessage = (said) => { document.body.textContent = said.data }</script><p>",
    "/form": '<form method="post" action="%s"><button>Go</button></form>',
}


class Program(ThreadingHTTPServer):
    """The web server of a client."""

    home = ""  # where /onward leads to
    form = ""

    def __init__(self, host: str) -> None:
        self.address_family = AF_INET6 if ":" in host else AF_INET
        super().__init__((host, 0), Page)


class Page(BaseHTTPRequestHandler):
    server: Program

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.send_response(302 if path == "/onward" else 200 if path in PAGES else 204)
        if path == "/onward":
            self.send_header("Location", self.server.home)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGES.get(path, "").replace("%s", self.server.form).encode())

    def log_message(self, *said: Any) -> None:
        """Nothing."""


@contextmanager
def program(host: str = "127.0.0.1") -> Iterator[Program]:
    """A client that listens on the person's own machine."""
    with Program(host) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


@contextmanager
def client_of(
    chromium: Any, installation: Installation, callback: str
) -> Iterator[tuple[Visit, dict[str, str]]]:
    """A visit, and what a client with this address asks for."""
    with installation.serve() as server, visiting(chromium, server) as visit:
        options = ("--redirect-uri", callback, "--scope", "services:read", "--public")
        made = installation.manage_json("createoauthclient", "--name", "Board", *options)
        asked = {
            "client_id": made["client_id"],
            "redirect_uri": callback,
            "response_type": "code",
            "code_challenge": "x" * 43,
            "code_challenge_method": "S256",
        }
        yield visit, asked
        assert not [said for said in visit.complaints if "foreign host" not in said]
        visit.complaints.clear()


def test_consent_is_given_to_a_program_on_the_persons_own_machine_by_ipv6(
    chromium: Any, installation: Installation
) -> None:
    if not has_ipv6():  # the end of ./run test says that it was missing
        pytest.skip("the machine has no IPv6")
    with program("::1") as there:
        callback = f"http://[::1]:{there.server_port}/callback"
        with client_of(chromium, installation, callback) as (visit, asked):
            visit.go(f"{OAUTH2}/authorize?{urlencode(asked)}")
            visit.log_in_to_allow()
            visit.press("Allow")
            assert visit.text() == "Thank you"


def test_a_client_may_send_the_person_on_to_another_origin(chromium: Any, installation: Installation) -> None:
    with program() as there, program() as home:
        there.home = f"http://localhost:{home.server_port}/callback"
        callback = f"http://127.0.0.1:{there.server_port}/onward"
        with client_of(chromium, installation, callback) as (visit, asked):
            visit.go(f"{OAUTH2}/authorize?{urlencode(asked)}")
            visit.log_in_to_allow()
            for answer in ("Do not allow", "Allow"):
                visit.go(f"{OAUTH2}/authorize?{urlencode(asked)}")
                visit.press(answer)
                assert (visit.page.url, visit.text()) == (there.home, "Thank you")


def test_a_window_that_the_client_opened_reports_back_to_it(
    chromium: Any, installation: Installation
) -> None:
    with program() as there:
        origin = f"http://localhost:{there.server_port}"
        with client_of(chromium, installation, f"{origin}/popup") as (visit, asked):
            opener = visit.page
            opener.goto(f"{origin}/opener")
            with opener.expect_popup() as opened:
                address = f"{visit.origin}{OAUTH2}/authorize?{urlencode(asked)}"
                opener.evaluate("(address) => { window.open(address) }", address)
            visit.page = opened.value
            visit.log_in_to_allow()
            with visit.page.expect_event("close"):
                visit.page.get_by_role("button", name="Allow", exact=True).click()
            opener.get_by_text("?code=").wait_for()


def test_a_client_may_post_its_request(chromium: Any, installation: Installation) -> None:
    with program() as there:
        callback = f"http://localhost:{there.server_port}/callback"
        with client_of(chromium, installation, callback) as (visit, asked):
            there.form = f"{visit.origin}{OAUTH2}/authorize"
            visit.page.goto(f"http://localhost:{there.server_port}/form")
            visit.page.evaluate(
                """(asked) => Object.entries(asked).forEach(([name, value]) => document.forms[0].append(
                    Object.assign(document.createElement("input"), {type: "hidden", name, value})))""",
                asked,
            )
            visit.press("Go")
            visit.log_in_to_allow()
            visit.press("Allow")
            assert visit.text() == "Thank you"
