"""Every malformed request gets an answer of the RFCs, never a 500, and never a redirect elsewhere."""

from typing import Any

import pytest
from django.test import Client

from tests.conftest import Cast, make_cast
from tests.oauth.flow import BASE, CALLBACK, FORM, Flow, make_client
from tests.snapshot import Snapshot

pytestmark = pytest.mark.once

ENDPOINTS = ("token", "revoke", "introspect", "device_authorization")
ODD = (
    "%zz",
    "%",
    "%ff",
    "%00",
    "%ED%A0%80",
    "é",
    "\\",
    "a b",
    "[]",
    "{}",
    "&&",
    "=",
    ";",
    "'",
    "x" * 5000,
    "claims=%7B",
    "claims=[1",
    "prompt=none%20login",
    "prompt=%00",
    "max_age=-1",
    "max_age=99999999999",
    "max_age=%D9%A1",
    "ui_locales=%00",
    "response_mode=fragment",
    "response_mode=form_post",
    "id_token_hint=x",
    "nonce=%00",
    "state=%0d%0aX:1",
    "state=%00",
    "scope=openid%00",
    "code_challenge=%00",
    "user=1",
    "client=1",
)


def make_flow() -> Flow:
    """Alice, logged in, with a client."""
    flow = Flow(make_client("openid"), make_cast().alice, scope="openid")
    flow.log_in(flow.address())
    return flow


made = Snapshot(make_flow)


@pytest.mark.parametrize("odd", ODD)
def test_odd_parameters_get_no_5xx_at_the_authorization_endpoint(odd: str, db: None) -> None:
    flow = made.write()
    good = flow.address().partition("?")[2]
    for query in (odd, good + odd, f"{good}&{odd}", f"{odd}&{good}", good.replace("a+state", odd)):
        for method, path in (("GET", "authorize"), ("POST", "authorize"), ("POST", "decision")):
            answer: Any = flow.browser.generic(
                method, f"{BASE}/{path}", "answer=allow", FORM, QUERY_STRING=query
            )
            assert answer.status_code in {200, 302, 303, 400}, query
            assert answer.headers.get("Location", CALLBACK).startswith((f"{CALLBACK}?", CALLBACK, f"{BASE}/"))
            assert "#" not in answer.headers.get("Location", "")


@pytest.mark.parametrize("odd", ODD)
def test_odd_parameters_get_no_5xx_at_the_endpoints_of_programs(odd: str, cast: Cast) -> None:
    client = make_client()
    known = f"client_id={client.row.client_id}&client_secret={client.secret}"
    grant = f"{known}&grant_type=authorization_code"
    sender = Client(raise_request_exception=False)
    bodies = (
        ("", odd),
        (odd, f"{grant}&code=x&token=x"),
        ("", f"{grant}&code={odd}&token={odd}&redirect_uri={odd}&code_verifier={odd}"),
        ("", f"{known}&grant_type=refresh_token&refresh_token={odd}&{odd}"),
        ("", f"{known}&grant_type=client_credentials&scope={odd}&{odd}"),
    )
    for endpoint in ENDPOINTS:
        for query, body in bodies:
            answer = sender.generic("POST", f"{BASE}/{endpoint}", body.encode(), FORM, QUERY_STRING=query)
            assert answer.status_code in {200, 400, 401}, (endpoint, query, body)


@pytest.mark.parametrize("kind", ["application/json", "text/plain", ""])
def test_a_body_that_is_no_form_is_refused_at_the_endpoints_of_programs(kind: str, cast: Cast) -> None:
    for endpoint in ENDPOINTS:
        answer = Client(raise_request_exception=False).generic("POST", f"{BASE}/{endpoint}", "{}", kind)
        right = {"error": "invalid_request", "error_description": f"Send the parameters as {FORM}."}
        assert (answer.status_code, answer.json()) == (400, right)


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", f"{FORM}; charset=utf-7"])
def test_a_form_that_cannot_be_read_is_refused(kind: str, cast: Cast) -> None:
    for endpoint in ENDPOINTS:
        answer = Client(raise_request_exception=False).generic("POST", f"{BASE}/{endpoint}", "{}", kind)
        assert answer.status_code in {400, 401}
