"""What a person allows reaches the client, wherever it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from socket import AF_INET6
from threading import Thread
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.browser.chromium import has_ipv6
from tests.browser.conftest import OAUTH2, visiting
from tests.installation import Installation


class Program(HTTPServer):
    """A program on the person's own machine, which waits there for the browser."""

    address_family = AF_INET6


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(204 if self.path == "/favicon.ico" else 200)
        self.end_headers()
        self.wfile.write(b"Thank you")

    def log_message(self, *said: Any) -> None:
        """Nothing."""


@contextmanager
def program() -> Iterator[str]:
    """The address of a program that listens on the loopback interface of IPv6."""
    with Program(("::1", 0), Page) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://[::1]:{server.server_port}/callback"
        finally:
            server.shutdown()


def test_consent_is_given_to_a_program_on_the_persons_own_machine_by_ipv6(
    chromium: Any, installation: Installation
) -> None:
    if not has_ipv6():  # the end of ./run test says that it was missing
        pytest.skip("the machine has no IPv6")
    with program() as callback, installation.serve() as server, visiting(chromium, server) as visit:
        options = ("--redirect-uri", callback, "--scope", "services:read", "--public")
        made = installation.manage_json("createoauthclient", "--name", "Board", *options)
        asked = {
            "client_id": made["client_id"],
            "redirect_uri": callback,
            "response_type": "code",
            "code_challenge": "x" * 43,
            "code_challenge_method": "S256",
        }
        visit.go(f"{OAUTH2}/authorize?{urlencode(asked)}")
        visit.log_in_to_allow()
        visit.press("Allow")
        assert visit.text() == "Thank you"
        assert {said.partition("?")[0] for said in visit.complaints} == {f"a foreign host: {callback}"}
        visit.complaints.clear()
