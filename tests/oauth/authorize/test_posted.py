"""Authorization requests by POST (OpenID Connect Core section 3.1.2.1), and where the answer goes."""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.test import Client

from oauth.models import Consent, OAuthCode
from tests.conftest import Cast
from tests.oauth.flow import BASE, CALLBACK, FORM, Flow, make_client, parameters, text_of

pytestmark = pytest.mark.once

AUTHORIZE, DECISION = f"{BASE}/authorize", f"{BASE}/decision"


def query_of(address: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(address).query, keep_blank_values=True)


def posted(address: str, *, body: str, browser: Client | None = None, kind: str = FORM) -> Any:
    """The answer to a form of a page at another origin, which has no CSRF token."""
    sender = browser or Client(enforce_csrf_checks=True, headers={"Accept": "text/html"})
    return sender.generic("POST", address, body, kind, headers={"Origin": "https://app.example.org"})


def test_a_posted_request_becomes_the_same_one_in_the_address(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    asked = query_of(flow.address())
    for in_body in (1, 3, len(asked)):  # the endpoint's own query is kept
        there = f"{AUTHORIZE}?{urlencode(asked[in_body:])}" if in_body < len(asked) else AUTHORIZE
        answer = posted(there, body=urlencode(asked[:in_body]))
        assert answer.status_code == 303
        assert answer["Location"].startswith(f"{AUTHORIZE}?")
        assert sorted(query_of(answer["Location"])) == sorted(asked)
    flow.log_in(answer["Location"])
    assert "Allow Dashboard?" in text_of(flow.browser.get(answer["Location"]))


def test_a_request_in_two_places_is_repeated(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    asked = query_of(flow.address())
    answer = posted(f"{AUTHORIZE}?{urlencode(asked)}", body="nonce=1&nonce=2")
    said = parameters(flow.browser.get(answer["Location"])["Location"])
    assert (said["error"], said["error_description"]) == (
        *("invalid_request", "The parameter nonce is repeated."),
    )
    answer = posted(f"{AUTHORIZE}?{urlencode(asked)}", body=f"redirect_uri={CALLBACK}")
    assert flow.browser.get(answer["Location"]).status_code == 400


def test_nothing_else_of_the_body_gets_into_the_address(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    secrets = {"client_secret": flow.client.secret, "password": "p", "answer": "allow", "x": "y"}
    answer = posted(AUTHORIZE, body=urlencode([*query_of(flow.address()), *secrets.items()]))
    assert not secrets.keys() & parameters(answer["Location"]).keys()


def test_a_request_that_no_address_can_hold_is_refused(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    for size in (9_000, 1_000_000):
        answer = posted(
            AUTHORIZE, body=urlencode([*query_of(flow.address(state=None)), ("state", "x" * size)])
        )
        assert answer.status_code == 400 and "8000 characters" in text_of(answer)


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "text/plain", ""])
def test_another_kind_of_body_is_refused(kind: str, cast: Cast) -> None:
    answer = posted(AUTHORIZE, body="{}", kind=kind)
    assert answer.status_code == 415 and FORM in text_of(answer)


@pytest.mark.requirement(73)
def test_a_post_to_the_authorization_endpoint_allows_nothing(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    flow.log_in(flow.address())
    for body in ("answer=allow", "answer=allow&csrfmiddlewaretoken=x"):
        answer = posted(flow.address(), body=body, browser=flow.browser)
        assert (answer.status_code, urlsplit(answer["Location"]).path) == (303, AUTHORIZE)
    assert not Consent.objects.exists() and not OAuthCode.objects.exists()


@pytest.mark.requirement(73)
def test_a_decision_wants_its_csrf_token(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    flow.log_in(flow.address())
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = flow.browser.cookies
    decision = flow.address().replace(AUTHORIZE, DECISION)
    for sent in ({"answer": "allow"}, {"answer": "allow", "csrfmiddlewaretoken": "x" * 64}):
        assert strict.post(decision, sent).status_code == 403
    assert not Consent.objects.exists()


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_a_decision_is_a_post(method: str, cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    flow.log_in(flow.address())
    answer = flow.browser.generic(method, flow.address().replace(AUTHORIZE, DECISION))
    assert (answer.status_code, answer.headers["Allow"]) == (405, "OPTIONS, POST")


def test_a_decision_that_comes_too_late_leads_back_to_the_question(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    address = flow.address()
    answer = flow.answer(address)
    back = parameters(answer["Location"])["next"]
    assert (urlsplit(back).path, query_of(back)) == (AUTHORIZE, query_of(address))


@pytest.mark.requirement(73)
def test_the_page_is_protected_against_frames_and_foreign_forms(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    flow.log_in(flow.address())
    answer = flow.browser.get(flow.address())
    policy = answer.headers["Content-Security-Policy"]
    for directive in ("default-src 'self'", "frame-ancestors 'none'", "object-src 'none'", "base-uri 'none'"):
        assert directive in policy
    assert "unsafe" not in policy and "form-action" not in policy  # the client may send people on
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "form-action 'self'" in flow.browser.get(f"{BASE}/login").headers["Content-Security-Policy"]


def test_windows_that_clients_opened_stay_in_touch_with_them(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    address = flow.address()
    answers = [
        flow.browser.get(address),
        flow.browser.get(f"{BASE}/login?next="),
        flow.log_in(address),
        flow.browser.get(address),
        flow.answer(address),
        flow.browser.get(flow.address(redirect_uri="https://evil.example.org/")),
        flow.browser.get(flow.address(response_type="token")),
        posted(AUTHORIZE, body=urlencode(query_of(address))),
    ]
    assert {answer.headers["Cross-Origin-Opener-Policy"] for answer in answers} == {"unsafe-none"}
    elsewhere = flow.browser.get(f"{BASE}/allowed")
    assert elsewhere.headers["Cross-Origin-Opener-Policy"] == "same-origin"
