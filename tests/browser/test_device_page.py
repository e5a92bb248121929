"""A program on a machine without a browser asks, and a person answers in a browser."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from oauth.models import DeviceCode
from oauth.protocol.validator import DEVICE_GRANT
from tests.browser.conftest import OAUTH2, Visit, visiting
from tests.installation import Installation, Server

pytestmark = [pytest.mark.once, pytest.mark.slow]

ELSEWHERE = "127.0.0.2"  # where the program runs; the browser is at 127.0.0.1
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Program:
    """The program, which has asked, and shows its person a code."""

    installation: Installation
    server: Server
    client: dict[str, Any]
    codes: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        status, self.codes = self._send("device_authorization")
        assert status == 200, self.codes

    def polls(self) -> tuple[int, Any]:
        """What the next poll is answered, which comes as late as it should."""
        self.installation.query(f"UPDATE {DeviceCode._meta.db_table} SET polled_at = NULL")
        return self._send("token", grant_type=DEVICE_GRANT, device_code=self.codes["device_code"])

    def _send(self, endpoint: str, **members: str) -> tuple[int, Any]:
        sent = urlencode({"client_id": self.client["client_id"], **members})
        connection = HTTPConnection("127.0.0.1", self.server.port, source_address=(ELSEWHERE, 0))
        try:
            connection.request("POST", f"{OAUTH2}/{endpoint}", sent, FORM)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def status_at_gateway(self, token: str) -> int:
        """What the gateway says when the program uses a service."""
        asked = {"X-Original-Method": "GET", "X-Original-URI": "/services/stock/items"}
        headers = asked | {"Authorization": f"Bearer {token}"}
        return self.server.request("GET", "/gateway/check", headers=headers).status


@pytest.fixture
def program(installation: Installation) -> Iterator[Program]:
    made = installation.manage_json(
        *("createoauthclient", "--name", "Command line", "--public", "--device-grant"),
        *("--scope", "services:read"),
    )
    with installation.serve(KEYHOUSE_ADMIN_SECOND_FACTOR="false") as server:
        yield Program(installation, server, made)


def type_code(visit: Visit, code: str) -> None:
    visit.page.get_by_label("Code").fill(code)
    visit.press("Continue")


@pytest.mark.requirement(175, 176)
def test_a_person_types_the_code_sees_who_asks_and_allows_or_denies_it(
    chromium: Any, program: Program
) -> None:
    code = program.codes["user_code"]
    pending = (400, {"error": "authorization_pending"})
    with visiting(chromium, program.server) as visit:
        visit.go(urlsplit(program.codes["verification_uri"]).path)
        visit.log_in_to_allow()
        type_code(visit, code.replace("-", "").lower())
        for said in (
            *("Allow Command line?", "You are admin", code, ELSEWHERE, "not the address of this browser"),
            *("Read from the services behind the gateway", "do not allow it"),
        ):
            assert said in visit.text(), said
        assert program.polls() == pending
        visit.press("Allow")
        assert "You allowed Command line. Go back to your device." in visit.text()
        status, tokens = program.polls()
        assert (status, tokens["scope"]) == (200, "services:read")
        assert program.status_at_gateway(tokens["access_token"]) == 200

        other = Program(program.installation, program.server, program.client)
        visit.go("/device")
        type_code(visit, f" {other.codes['user_code']} ")
        visit.press("Do not allow")
        assert "You did not allow Command line." in visit.text()
        assert other.polls() == (400, {"error": "access_denied"})

        # The link, which has the code in it, asks the same.
        third = Program(program.installation, program.server, program.client)
        link = urlsplit(third.codes["verification_uri_complete"])
        visit.go(f"{link.path}?{link.query}")
        assert third.codes["user_code"] in visit.text() and third.polls() == pending
