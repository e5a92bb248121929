"""The authorization endpoint: who is sent where, and what people are shown."""

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import Session
from audit.events import EventName
from audit.models import Event
from oauth.models import Consent, OAuthCode
from tests.conftest import Cast
from tests.oauth.flow import BASE, CALLBACK, Flow, make_client, parameters, text_of


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example.org/callback",
        f"{CALLBACK}/",
        f"{CALLBACK}?x=1",
        f"{CALLBACK}/../callback",
        "https://app.example.org:443/callback",
        "HTTPS://app.example.org/callback",
        "https://app.example.org@evil.example.org/callback",
        "https://app.example.org/callback#",
        "https://app.example.org/%63allback",
        "https://app.example.org/callback%00",
        "https://app.example.org/callback;x",
        "https://user:password@app.example.org/callback",
        "https://app.example.org\\@evil.example.org/callback",
        "https://app.example.org\t/callback",
        " https://app.example.org/callback",
        "https://APP.example.org/callback",
        "https://app.example.org./callback",
        "https://аpp.example.org/callback",  # noqa: RUF001 (a Cyrillic letter)
        "http://app.example.org/callback",
        "http://127.0.0.1:1/callback",
        "//app.example.org/callback",
        "x" * 5000,
        "javascript:alert(1)",
        "",
    ],
)
@pytest.mark.requirement(67)
def test_a_wrong_redirect_uri_is_an_error_page_and_never_followed(uri: str, cast: Cast) -> None:
    flow = Flow(make_client(redirect_uris=[CALLBACK, f"{CALLBACK}2"]), cast.alice)
    flow.log_in(flow.address())
    address = flow.address(redirect_uri=uri)
    for answer in (flow.browser.get(address), flow.answer(address)):
        assert answer.status_code == 400
        assert "Location" not in answer.headers
        assert "cannot be answered" in text_of(answer)
    assert not OAuthCode.objects.exists()


@pytest.mark.parametrize("client_id", ["nobody", "", None, "\0", "x" * 300])
@pytest.mark.requirement(67)
def test_so_is_an_unknown_client(client_id: str | None, cast: Cast) -> None:
    answer = Flow(make_client(), cast.alice).browser.get(
        Flow(make_client(), cast.alice).address(client_id=client_id)
    )
    assert answer.status_code == 400


def test_programs_get_a_problem_document_instead_of_a_page(cast: Cast) -> None:
    address = Flow(make_client(), cast.alice).address(redirect_uri="https://evil.example.org/")
    answer = Client().get(address)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_parameter_that_stands_there_twice_is_refused(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    assert flow.browser.get(f"{flow.address()}&redirect_uri=https://evil.example.org/").status_code == 400


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ("&code_challenge=x", "invalid_request"),
        ("&code_challenge_method=S256", "invalid_request"),
        ("&nonce=n", "invalid_request"),
        ("&prompt=login&prompt=consent", "invalid_request"),
        ("&response_mode=fragment", "invalid_request"),
        ("&response_mode=form_post", "invalid_request"),
        ("&response_mode=query&response_mode=query", "invalid_request"),
        ("&request=eyJ", "request_not_supported"),
        ("&request_uri=https://x.example/", "request_uri_not_supported"),
    ],
)
def test_repeated_or_unsupported_parameters_are_reported_to_the_client(
    more: str, error: str, cast: Cast
) -> None:
    flow = Flow(make_client("openid"), cast.alice, scope="openid", more={"nonce": "n"})
    flow.log_in(flow.address())
    for answer in (flow.browser.get(flow.address() + more), flow.answer(flow.address() + more)):
        assert answer["Location"].startswith(f"{CALLBACK}?") and "#" not in answer["Location"]
        assert parameters(answer["Location"])["error"] == error
    assert flow.browser.get(f"{flow.address()}&response_mode=query&x=1&x=2").status_code == 200


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "S512"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "x" * 500}, "invalid_request"),
    ],
)
@pytest.mark.parametrize("is_public", [True, False])
@pytest.mark.requirement(70)
def test_a_request_without_pkce_s256_is_refused(
    changed: dict[str, Any], error: str, is_public: bool, cast: Cast
) -> None:
    flow = Flow(make_client(is_public=is_public), cast.alice)
    answer = flow.browser.get(flow.address(**changed))
    assert answer.status_code == 302
    assert answer["Location"].startswith(f"{CALLBACK}?")
    assert parameters(answer["Location"])["error"] == error
    assert parameters(answer["Location"])["state"] == "a state"


@pytest.mark.parametrize(
    "kind", ["token", "id_token", "id_token token", "code token", "code id_token", "none", ""]
)
@pytest.mark.requirement(71)
def test_there_is_no_implicit_grant(kind: str, cast: Cast) -> None:
    flow = Flow(make_client("openid"), cast.alice, scope="openid")
    answer = flow.browser.get(flow.address(response_type=kind, nonce="n"))
    assert answer.status_code == 302
    said = parameters(answer["Location"])
    assert said["error"] in {"unsupported_response_type", "unauthorized_client", "invalid_request"}
    assert not {"access_token", "id_token", "code"} & said.keys()
    assert not urlsplit(answer["Location"]).fragment


@pytest.mark.parametrize("scope", ["services:write", "services:read keys:read", "nonesuch", "*"])
@pytest.mark.requirement(74)
def test_a_scope_that_is_not_the_clients_is_refused(scope: str, cast: Cast) -> None:
    flow = Flow(make_client("services:read"), cast.alice, scope=scope)
    said = parameters(flow.browser.get(flow.address())["Location"])
    assert said["error"] == "invalid_scope"


@pytest.mark.requirement(74)
def test_nobody_hands_on_more_than_they_hold(cast: Cast) -> None:
    flow = Flow(make_client("services:read", "audit:read"), cast.mallory, scope="services:read audit:read")
    flow.log_in(flow.address())
    page = text_of(flow.browser.get(flow.address()))
    assert "services:read" in page
    assert "audit:read" not in page
    assert flow.tokens()["scope"] == "services:read"


def test_people_without_any_of_the_scopes_can_only_refuse(cast: Cast) -> None:
    flow = Flow(make_client("audit:read"), cast.mallory, scope="audit:read")
    flow.log_in(flow.address())
    assert "permissions that you do not have" in text_of(flow.browser.get(flow.address()))
    for answer in ("allow", "deny"):
        assert parameters(flow.answer(flow.address(), answer)["Location"])["error"] == "access_denied"


@pytest.mark.requirement(73)
def test_people_are_shown_who_asks_for_what_in_the_products_words(cast: Cast) -> None:
    flow = Flow(
        make_client("services:read", "openid", name="<Dash>"), cast.alice, scope="services:read openid"
    )
    flow.log_in(flow.address())
    answer = flow.browser.get(flow.address())
    page = text_of(answer)
    for words in (
        "Keyhouse",
        "&lt;Dash&gt;",
        "alice",
        "https://app.example.org",
        "Read from the services behind the gateway",
        "Know who you are",
    ):
        assert words in page
    assert not re.search(r"<script|style=|<style|\son\w+=", answer.content.decode())


@pytest.mark.requirement(73)
def test_a_no_is_told_to_the_client(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    flow.log_in(flow.address())
    said = parameters(flow.answer(flow.address(), "deny")["Location"])
    assert (said["error"], said["state"], said["iss"]) == ("access_denied", "a state", settings.PUBLIC_URL)
    assert not Consent.objects.exists()


def test_a_yes_brings_code_state_and_issuer_and_is_recorded(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    flow.log_in(flow.address())
    answer = flow.answer(flow.address())
    assert answer.headers["Cache-Control"] == "no-store"
    said = dict(parse_qsl(urlsplit(answer["Location"]).query))
    assert (said["state"], said["iss"]) == ("a state", settings.PUBLIC_URL)
    assert said.keys() == {"code", "state", "iss"}
    event = Event.objects.get(name=EventName.CONSENT_GIVEN)
    assert event.actor_id == str(cast.alice.uuid)
    assert event.detail == {"scopes": ["services:read"]}


@pytest.mark.parametrize(
    "more", [{"nonce": "n" * 256}, {"nonce": "\0"}, {"request_uri": "https://x.example/"}]
)
def test_what_cannot_be_kept_is_refused_or_not_looked_at(more: dict[str, str], cast: Cast) -> None:
    flow = Flow(make_client("openid"), cast.alice, scope="openid", more=more)
    assert flow.browser.get(flow.address()).status_code == 302


def test_prompt_and_max_age_ask_for_a_fresh_login_once(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    flow.log_in(flow.address())
    assert flow.browser.get(flow.address()).status_code == 200
    for more in ({"prompt": "login"}, {"max_age": "0"}):
        address = flow.address(**more)
        answer = flow.log_in(address)
        assert not {"prompt", "max_age"} & parameters(answer["Location"]).keys()
        assert flow.browser.get(answer["Location"]).status_code == 200


def test_an_ended_login_does_not_count(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    flow.log_in(flow.address())
    Session.objects.all().delete()
    answer = flow.answer(flow.address())
    assert answer["Location"].startswith(f"{BASE}/login?")
    assert not Consent.objects.exists()
