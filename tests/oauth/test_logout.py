"""The end session endpoint (OpenID Connect RP-Initiated Logout 1.0)."""

import html
import re
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from django.conf import settings
from django.test import Client

from access.callers import caller_at_command_line
from accounts.models import Session, User
from accounts.sessions.services import log_in
from accounts.signing import keys as signing
from audit.events import EventName
from audit.models import Event
from oauth.changes import ClientChanges
from oauth.models import Consent
from oauth.services.clients import update_client
from tests.conftest import PASSWORD, make_cast
from tests.oauth.flow import BASE, FORM, Flow, make_client, text_of, with_token
from tests.snapshot import Snapshot

LOGOUT = f"{BASE}/logout"
BACK = "https://app.example.org/bye?tenant=a%20b"


def make_flow() -> Flow:
    """Alice, logged in, with a client that has an ID token of hers."""
    flow = Flow(make_client("openid", post_logout_redirect_uris=[BACK]), make_cast().alice, scope="openid")
    flow.tokens_in_hand = flow.tokens()  # type: ignore[attr-defined]
    return flow


made = Snapshot(make_flow)


@pytest.fixture
def flow(db: None) -> Flow:
    return made.write()


def hint_of(flow: Flow) -> str:
    return str(flow.tokens_in_hand["id_token"])  # type: ignore[attr-defined]


def forged(flow: Flow, **changed: Any) -> str:
    """An ID token like that of the flow, with other claims, under our own key."""
    claims = jwt.decode(hint_of(flow), options={"verify_signature": False}) | changed
    return signing.sign({name: value for name, value in claims.items() if value is not None}, "RS256")


def ask(flow: Flow, **sent: str) -> Any:
    return flow.browser.get(LOGOUT, sent)


def is_logged_in(flow: Flow) -> bool:
    return bool(flow.browser.get("/account/sessions").status_code == 200)


def press(flow: Flow, page: Any, browser: Client | None = None) -> Any:
    """Press the button of the page that asks."""
    action = re.search(r'<form method="post" action="([^"]*)"', page.content.decode())
    assert action is not None, page.content
    return (browser or flow.browser).post(html.unescape(action[1]))


def ended() -> list[dict[str, Any]]:
    return [event.detail for event in Event.objects.filter(name=EventName.SESSION_ENDED)]


def test_a_good_hint_logs_out_at_once_and_leads_back_with_the_state(flow: Flow) -> None:
    answer = ask(flow, id_token_hint=hint_of(flow), post_logout_redirect_uri=BACK, state="a b&c")
    assert (answer.status_code, answer["Location"]) == (302, f"{BACK}&state=a+b%26c")
    assert not is_logged_in(flow)
    assert Session.objects.get().ended_at is not None
    assert ended() == [{"client": str(flow.client.row.uuid)}]
    again = ask(flow, id_token_hint=hint_of(flow), post_logout_redirect_uri=BACK)
    assert again["Location"] == BACK
    assert len(ended()) == 1


GOOD: dict[str, dict[str, Any]] = {
    "as it is": {},
    "expired": {"exp": 1, "iat": 1, "auth_time": 1},
    "without exp": {"exp": None},
}
NOT_GOOD: dict[str, Any] = {
    "none": lambda flow: "",
    "no token": lambda flow: "x",
    "three dots": lambda flow: "a.b.c",
    "NUL": lambda flow: "\0",
    "5,000 characters": lambda flow: "e" * 5000,
    "somebody else's key": lambda flow: jwt.encode(
        {"iss": settings.PUBLIC_URL, "sub": str(flow.user.uuid), "aud": flow.client.row.client_id, "iat": 1},
        "x" * 32,
    ),
    "alg none": lambda flow: jwt.encode(
        {"iss": settings.PUBLIC_URL, "sub": str(flow.user.uuid), "aud": flow.client.row.client_id},
        "",
        algorithm="none",
    ),
    "another signature": lambda flow: hint_of(flow)[:-8] + "AAAAAAAA",
    "another issuer": lambda flow: forged(flow, iss="https://evil.example"),
    "another person": lambda flow: forged(flow, sub=str(User.objects.get(username="bob").uuid)),
    "no subject": lambda flow: forged(flow, sub=None),
    "no audience": lambda flow: forged(flow, aud=None),
    "many audiences": lambda flow: forged(flow, aud=[flow.client.row.client_id, "x"]),
    "no client": lambda flow: forged(flow, aud="x"),
    "a login": lambda flow: forged(flow, aud=settings.PUBLIC_URL, token_type="access"),
    "an access token": lambda flow: "x" + flow.tokens_in_hand["access_token"],
}


@pytest.mark.parametrize("kind", GOOD)
def test_an_id_token_is_a_good_hint_however_old(kind: str, flow: Flow) -> None:
    assert ask(flow, id_token_hint=forged(flow, **GOOD[kind])).status_code == 200
    assert not is_logged_in(flow)


@pytest.mark.parametrize("kind", NOT_GOOD)
def test_a_person_is_asked_if_the_client_sends_no_good_hint(kind: str, flow: Flow) -> None:
    sent = {"id_token_hint": NOT_GOOD[kind](flow)}
    page = ask(flow, **sent)
    assert page.status_code == 200 and "Log out?" in text_of(page)
    assert is_logged_in(flow) and not ended()
    done = press(flow, page)
    assert "You are logged out" in text_of(done)
    assert not is_logged_in(flow)
    assert ended() and "refresh" not in done.content.decode()


@pytest.mark.parametrize("hint", ["bob", "bob@example.org", "\0", "x" * 5000])
def test_a_logout_hint_at_somebody_else_asks(hint: str, flow: Flow) -> None:
    assert "Log out?" in text_of(ask(flow, id_token_hint=hint_of(flow), logout_hint=hint))
    assert is_logged_in(flow)


@pytest.mark.parametrize("name", ["alice", "ALICE@example.org", "uuid"])
def test_a_logout_hint_at_the_same_person_does_not(name: str, flow: Flow) -> None:
    ask(flow, id_token_hint=hint_of(flow), logout_hint=str(flow.user.uuid) if name == "uuid" else name)
    assert not is_logged_in(flow)


def test_without_a_hint_the_person_is_sent_on_after_saying_yes(flow: Flow) -> None:
    sent = {"client_id": flow.client.row.client_id, "post_logout_redirect_uri": BACK, "state": '"><b>'}
    page = ask(flow, **sent)
    assert "Dashboard asks to log you out" in text_of(page) and "alice" in text_of(page)
    done = press(flow, page)
    refresh = re.search(r'http-equiv="refresh" content="0; url=([^"]*)"', done.content.decode())
    assert refresh and html.unescape(refresh[1]) == f"{BACK}&state=%22%3E%3Cb%3E"
    assert ended() == [{"client": str(flow.client.row.uuid)}]


def test_a_person_who_is_not_logged_in_is_sent_nowhere_without_a_hint(flow: Flow) -> None:
    sent = {"client_id": flow.client.row.client_id, "post_logout_redirect_uri": BACK}
    answer = Client().get(LOGOUT, sent)
    assert answer.status_code == 200
    assert "refresh" not in answer.content.decode() and f'href="{BACK}"' in answer.content.decode()


WRONG_ADDRESSES = (
    "https://app.example.org/bye",
    "https://app.example.org/bye?tenant=a+b",
    "https://APP.example.org/bye?tenant=a%20b",
    f"{BACK}&x=1",
    f"{BACK}#x",
    f" {BACK}",
    "https://app.example.org/callback",
    "https://evil.example/",
    "//evil.example",
    "javascript:alert(1)",
    "\0",
)


@pytest.mark.parametrize("uri", WRONG_ADDRESSES)
@pytest.mark.parametrize("known_by", ["hint", "client_id"])
def test_an_address_that_is_not_registered_letter_by_letter_is_an_error_page(
    uri: str, known_by: str, flow: Flow
) -> None:
    hint, client_id = {"id_token_hint": hint_of(flow)}, {"client_id": flow.client.row.client_id}
    answer = ask(flow, post_logout_redirect_uri=uri, **(hint if known_by == "hint" else client_id))
    assert answer.status_code == 400 and "post_logout_redirect_uri" in text_of(answer)
    assert is_logged_in(flow) and not ended()


def test_no_client_no_address(flow: Flow) -> None:
    assert ask(flow, post_logout_redirect_uri=BACK).status_code == 400
    other = make_client("openid", post_logout_redirect_uris=["https://other.example/"])
    for client_id in (other.row.client_id, "x", "\0"):
        sent = {"id_token_hint": hint_of(flow), "client_id": client_id, "post_logout_redirect_uri": BACK}
        assert ask(flow, **sent).status_code == 400
    update_client(
        caller=caller_at_command_line(),
        client=flow.client.row,
        changes=ClientChanges(post_logout_redirect_uris=[]),
    )
    assert ask(flow, id_token_hint=hint_of(flow), post_logout_redirect_uri=BACK).status_code == 400
    assert is_logged_in(flow)


@pytest.mark.parametrize("method", ["get", "post"])
def test_what_is_repeated_is_refused(method: str, flow: Flow) -> None:
    query = urlencode([("id_token_hint", hint_of(flow)), ("state", "a"), ("state", "b")])
    answer = (
        flow.browser.get(f"{LOGOUT}?{query}")
        if method == "get"
        else flow.browser.post(LOGOUT, query, content_type=FORM)
    )
    assert answer.status_code == 400 and "state" in text_of(answer)
    assert is_logged_in(flow)


def test_a_post_from_the_clients_site_becomes_a_get_and_ends_nothing_itself(flow: Flow) -> None:
    """Browsers send our cookie, which is SameSite=Lax, with that GET alone."""
    strict = Client(enforce_csrf_checks=True, headers={"Origin": "https://app.example.org"})
    strict.cookies = flow.browser.cookies
    sent = {"id_token_hint": hint_of(flow), "post_logout_redirect_uri": BACK, "ui_locales": "de", "x": "y"}
    answer = strict.post(LOGOUT, sent)
    assert answer.status_code == 303 and is_logged_in(flow)
    assert flow.browser.get(answer["Location"])["Location"] == BACK
    assert not is_logged_in(flow)
    assert strict.post(LOGOUT, {"id_token_hint": "x" * 9000}).status_code == 400


def test_the_button_needs_the_csrf_token(flow: Flow) -> None:
    page = ask(flow)
    strict = Client(enforce_csrf_checks=True, headers={"Accept": "text/html"})
    strict.cookies = flow.browser.cookies
    assert press(flow, page, strict).status_code == 403
    assert is_logged_in(flow)
    assert flow.browser.get(f"{LOGOUT}/answer").status_code == 405
    for method in ("PUT", "DELETE"):
        assert flow.browser.generic(method, LOGOUT).status_code == 405


def test_the_answer_is_checked_anew(flow: Flow) -> None:
    query = urlencode(
        {"client_id": flow.client.row.client_id, "post_logout_redirect_uri": "https://evil.example/"}
    )
    assert flow.browser.post(f"{LOGOUT}/answer?{query}").status_code == 400
    assert is_logged_in(flow)


def test_other_logins_tokens_and_consents_go_on_and_the_page_says_so(flow: Flow) -> None:
    log_in(identifier="alice", password=PASSWORD, origin=caller_at_command_line().origin)
    page = ask(flow)
    assert "Programs that you allow to act for you still can" in text_of(page)
    press(flow, page)
    assert Session.objects.filter(ended_at=None).count() == 1
    assert Consent.objects.exists()
    info = with_token(flow.tokens_in_hand).get("auth/oauth2/userinfo")  # type: ignore[attr-defined]
    assert info.status_code == 200


def test_discovery_names_the_endpoint(db: None) -> None:
    for place in ("oauth-authorization-server", "openid-configuration"):
        said = Client().get(f"/.well-known/{place}").json()
        assert said["end_session_endpoint"] == f"{settings.PUBLIC_URL}{LOGOUT}"
