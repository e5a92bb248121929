"""The decision says what is counted: the key, and the scopes that all requests together needed."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from access.credentials import Presented
from access.key_limits import Rate
from access.principals import Credential, Principal
from apikeys.authentication import authenticate_key
from apikeys.usage import counting
from audit.actors import Origin
from config import profiles
from config.profiles import Power
from config.server.answers import Answer
from config.wire.errors import InsufficientScope
from gateway import edge
from gateway.check import authenticate
from gateway.decision import Asked, Decision, decide
from gateway.edge import check_from_memory, check_in_thread
from tests.conftest import Cast, log_in, make_key
from tests.gateway.asking import CLIENT, answer_at_once
from tests.gateway.routing import row, with_routes
from tests.gateway.test_from_memory import Logged, Request
from tests.oauth.flow import machine_token, make_client

LONG = 3600.0
MOVE = Asked("MOVE", "/a", row("MOVE", "/a", "key", "services:read"))
PUT = Asked("PUT", "/b", row("PUT", "/b", "key", "services:write services:read"))
CLOSED = Asked("PUT", "/c", row("PUT", "/c", "key", "audit:read"))
KEY = Principal(
    "u",
    "alice",
    Credential("key", "a-key", number=7),
    everywhere=Power(scopes=frozenset({"services:read", "services:write"})),
)


def test_all_requests_together_need_each_scope_once() -> None:
    decision = decide([MOVE, PUT], KEY, "")
    assert decision == Decision(KEY, ("services:read", "services:write"))
    assert decision.key == 7


def test_the_first_request_that_is_refused_says_why() -> None:
    refusal = decide([MOVE, CLOSED, PUT], KEY, "").refusal
    assert refusal is not None
    assert (refusal.principal, refusal.asked) == (KEY, CLOSED)
    assert isinstance(refusal.error, InsufficientScope)


def test_where_anybody_may_pass_nobody_is_counted() -> None:
    decision = decide([MOVE], None, "")
    assert decision == Decision(None) and decision.key == 0


@pytest.fixture
def routes(lease: Callable[[float], None]) -> Iterator[None]:
    lease(LONG)
    table = row("GET", "/open", "none"), row("GET", "/keys", "key"), row("GET", "/tokens", "jwt oauth2")
    with profiles.override(with_routes(*table)):
        yield


def status(uri: str, *lines: str) -> str | None:
    """Return the status of the answer from memory; None if a thread has to answer."""
    head = ("GET /gateway/check HTTP/1.1", "Host: localhost", "X-Original-Method: GET", *lines)
    answer = answer_at_once("\r\n".join([*head, f"X-Original-URI: {uri}", "", ""]).encode())
    return None if answer is None else answer.head.split()[1].decode()


def test_what_anybody_may_pass_needs_no_thread(db: None, routes: None) -> None:
    counting.forget()
    assert status("/open") == "200"
    assert counting._waiting == {}


def test_the_access_log_names_no_credential_where_anybody_may_pass(cast: Cast, routes: None) -> None:
    asked = ((b"x-original-method", b"GET"), (b"x-original-uri", b"/open"))
    key = make_key(cast.alice).text.encode()
    head = Request("GET", b"/gateway/check", (*asked, (b"x-api-key", key))).head()
    assert isinstance(check_from_memory(head), Answer)
    assert Logged.of(head) == Logged("GET /open", "")


@pytest.mark.parametrize("kind", ["jwt", "oauth2"])
def test_a_token_that_was_used_a_moment_ago_needs_no_thread(cast: Cast, routes: None, kind: str) -> None:
    client = make_client("services:read", owner=cast.acme)
    answer = log_in(cast.alice) if kind == "jwt" else machine_token(client)
    sent = Presented(answer["access_token"], is_key=False)
    assert status("/tokens", f"Authorization: Bearer {sent.secret}") is None
    authenticate(sent, Origin(CLIENT[0], "", timezone.now()))
    assert status("/tokens", f"Authorization: Bearer {sent.secret}") == "200"


def test_a_token_that_is_not_cached_is_not_read_among_keys(cast: Cast) -> None:
    lines = ((b"x-original-method", b"GET"), (b"x-original-uri", b"/services/a"))
    token = b"Bearer " + log_in(cast.alice)["access_token"].encode()
    head = Request("GET", b"/gateway/check", (*lines, (b"authorization", token))).head()
    assert check_from_memory(head) is None


def test_a_rate_limit_that_valkey_counts_needs_a_thread(cast: Cast, routes: None, settings: Settings) -> None:
    key = make_key(cast.alice, rate_limit=Rate(5, 3600)).text
    authenticate_key(Presented(key, is_key=True), Origin(CLIENT[0], "", timezone.now()))
    settings.VALKEY_URL = "redis://127.0.0.1:1/0"
    assert status("/keys", f"X-API-Key: {key}") is None
    settings.VALKEY_URL = ""
    assert status("/keys", f"X-API-Key: {key}") == "200"


def test_a_check_in_a_thread_is_503_while_the_database_fails_and_the_log_says_why(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise OperationalError("the connection is gone")

    monkeypatch.setattr(edge, "renew_connection", lambda: None)  # as in Django's Client
    lines = ((b"x-original-method", b"GET"), (b"x-original-uri", b"/services/a"))
    key = make_key(cast.alice, "services:read").text
    head = Request("GET", b"/gateway/check", (*lines, (b"x-api-key", key.encode()))).head()
    answer = check_in_thread(head)
    assert answer is not None and answer.status == 200
    with connection.execute_wrapper(fail):
        answer = check_in_thread(head)
    assert answer is not None and answer.status == 503
    assert "database unavailable: the connection is gone" in caplog.messages
