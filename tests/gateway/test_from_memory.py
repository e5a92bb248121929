"""The answer from memory on the event loop equals the answer of a thread, with or without the cache."""

import random
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import NamedTuple

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.utils import timezone
from pytest_django.fixtures import Settings

from access.callers import caller_at_command_line
from access.key_limits import Rate
from access.principal_cache import memory
from apikeys.services.revocation import revoke_api_keys
from apikeys.usage import counting, rates
from apikeys.usage.services import Cell
from config.server.answers import Answer, WrittenAnswer, call_wsgi
from config.server.edge import fingerprint
from config.server.environ import environ_of
from config.wire.http.heads import CREDENTIAL, REQUEST_ID, ROUTE, PlainHead
from config.wsgi import application
from gateway import edge
from gateway.edge import UnreadKey, check_from_memory, check_in_thread, check_together
from gateway.repeated import answer_again
from tests.access.basic import basic
from tests.conftest import PASSWORD, Cast, log_in, make_key
from tests.gateway.asking import CLIENT, SERVER, answer_at_once
from tests.oauth.flow import machine_token, make_client

LONG = 3600.0
FEW, MANY = 400, 100_000
REQUEST = "of-this-request"
Lease = Callable[[float], None]
Headers = tuple[tuple[bytes, bytes], ...]


class Logged(NamedTuple):
    """What the access log says of a check."""

    route: str
    credential: str

    @classmethod
    def of(cls, head: PlainHead) -> "Logged":
        return cls(head.META.get(ROUTE, ""), str(head.META.get(CREDENTIAL, "")))


class Outcome(NamedTuple):
    """The answer to a request, and what was counted for it."""

    status: int
    headers: Mapping[bytes, bytes]
    body: bytes
    uses: Mapping[Cell, int]


class Request(NamedTuple):
    method: str
    path: bytes
    headers: Headers

    @property
    def lines(self) -> Headers:
        return ((b"host", b"localhost"), (b"x-request-id", REQUEST.encode()), *self.headers)

    @property
    def data(self) -> bytes:
        """The request as it goes over the wire."""
        lines = b"".join(b"%b: %b\r\n" % line for line in self.lines)
        return b"%b %b HTTP/1.1\r\n%b\r\n" % (self.method.encode(), self.path, lines)

    def head(self) -> PlainHead:
        scope = {
            "method": self.method,
            "scheme": "http",
            "http_version": "1.1",
            "raw_path": self.path,
            "query_string": b"",
            "server": SERVER,
            "client": CLIENT,
            "headers": self.lines,
        }
        return PlainHead.of(environ_of(scope) | {REQUEST_ID: REQUEST})


def credentials(cast: Cast) -> list[Headers]:
    """Every kind of credential, good and bad, alone and beside another."""
    revoked = make_key(cast.alice, "services:read")
    revoke_api_keys(caller=caller_at_command_line(), selected=[revoked.row])
    keys = [
        make_key(cast.acme, "services:read", "services:write").text,
        make_key(cast.bob, "services:read").text,
        make_key(cast.bob).text,
        make_key(cast.bob, "services:read", allowed_networks=["192.0.2.0/24"]).text,
        make_key(cast.bob, "services:read", rate_limit=Rate(1, 3600)).text,
        make_key(cast.bob, "services:read", rate_limit=Rate(1000, 3600)).text,
        make_key(cast.bob, "services:read", expires_at=timezone.now() + timedelta(days=1)).text,
        revoked.text,
        f"{revoked.text[:-1]}{'a' if revoked.text[-1] != 'a' else 'b'}",
        "kh_live_",
        "",
        "a,b",
    ]
    client = make_client("services:read", owner=cast.acme)
    tokens = [log_in(user)["access_token"] for user in (cast.alice, cast.bob, cast.ada, cast.mallory)]
    tokens += [machine_token(client)["access_token"], "not.a.token", "kh_at_unknown", *keys[:2]]
    found: list[Headers] = [((b"x-api-key", key.encode()),) for key in keys]
    found += [((b"authorization", f"Bearer {token}".encode()),) for token in tokens]
    passwords = [*keys, tokens[0], PASSWORD]
    found += [((b"authorization", basic(text)["Authorization"].encode()),) for text in passwords]
    return [
        *found,
        (),
        ((b"authorization", b"Basic YTpi"),),
        ((b"authorization", b"Bearer"),),
        ((b"authorization", b"Basic"),),
        ((b"authorization", b"Basic YTpi"), (b"sec-fetch-mode", b"cors")),
        (*found[0], *found[1]),
        (*found[0], *found[-1]),
    ]


def some_request(chance: random.Random, sent: list[Headers], organizations: list[str]) -> Request:
    """Any request that a proxy could ask about, and some that no proxy should."""
    method = chance.choice(["GET", "GET", "GET", "POST", "DELETE", "HEAD"])
    uri = chance.choice(["/services/stock", "/services/a/b?c=d", "/services//a", "/nothing", "", "*"])
    original = ((b"x-original-method", method.encode()), (b"x-original-uri", uri.encode()))
    forwarded = ((b"x-forwarded-method", method.encode()), (b"x-forwarded-uri", uri.encode()))
    ways: list[tuple[str, bytes, Headers]] = [
        *[("GET", b"/gateway/check", original)] * 4,
        ("HEAD", b"/gateway/check", original),
        ("POST", b"/gateway/check", original),
        ("GET", b"/gateway/check", forwarded),
        ("GET", b"/gateway/check", (*original, *forwarded)),
        ("GET", b"/gateway/check", original[:1]),
        (method, b"/gateway/check" + uri.encode(), ()),
    ]
    by, path, lines = chance.choice(ways)
    more: list[Headers] = [
        *[()] * 4,
        ((b"x-organization", chance.choice(organizations).encode()),),
        ((b"x-forwarded-for", chance.choice([b"192.0.2.7", b"198.51.100.1", b"what"])),),
        ((b"destination", b"/services/b"),),
    ]
    return Request(by, path, (*lines, *chance.choice(sent), *chance.choice(more)))


def outcome(answer: Answer) -> Outcome:
    """Return the answer and what was counted for it. Windows of rate limits begin again."""
    headers = {name.lower(): value for name, value in answer.lines}
    assert len(headers) == len(answer.lines)
    uses = {cell: use.count for cell, use in counting._waiting.items()}
    counting.forget()
    rates.forget()
    headers[b"ratelimit"] = headers.get(b"ratelimit", b"").partition(b";t=")[0]  # which second it is
    return Outcome(answer.status, headers, answer.body, uses)


def as_read(written: WrittenAnswer) -> Answer:
    """Return an answer that is in bytes already."""
    status, *lines = written.head.removesuffix(b"\r\n").split(b"\r\n")
    parted = [line.partition(b": ") for line in lines]
    return Answer(int(status.split()[1]), [(name, value) for name, _, value in parted], written.body)


def as_sent(answer: Answer, method: str) -> Answer:
    return answer._replace(body=b"") if method == "HEAD" else answer


def in_a_thread(head: PlainHead) -> Outcome:
    """Return the answer of a thread. As in Django's Client, the test's connection stays open."""
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    try:
        return outcome(call_wsgi(application, head.META).answer)
    finally:
        request_started.connect(close_old_connections)


@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.soak)])
def test_every_answer_from_memory_is_the_one_of_a_thread(
    cast: Cast, lease: Lease, settings: Settings, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(edge, "renew_connection", lambda: None)  # as in Django's Client
    settings.TRUSTED_PROXIES = ("127.0.0.1",)
    sent, organizations = credentials(cast), [str(cast.acme.uuid), str(cast.umbrella.uuid), "nothing"]
    chance = random.Random(count)  # the same ones each time
    requests = [some_request(chance, sent, organizations) for _ in range(count)]
    counting.forget()
    lease(LONG)
    expected, early, again, together = [], 0, 0, 0
    for number, request in enumerate(requests):
        if number % 4 == 0:
            memory.forget()
        unread = check_from_memory(request.head())
        if isinstance(unread, UnreadKey):
            (read,) = check_together([unread])
            answered = outcome(as_sent(read, request.method)) if read else None
            together += read is not None
        counting.forget()
        rates.forget()
        head = request.head()
        in_thread, logged = in_a_thread(head), Logged.of(head)
        if isinstance(unread, UnreadKey) and answered is not None:
            assert (answered, Logged.of(unread.head)) == (in_thread, logged), request
        direct = check_in_thread(head := request.head())
        if direct is not None:
            assert (outcome(as_sent(direct, request.method)), Logged.of(head)) == (in_thread, logged), request
        answer = check_from_memory(head := request.head())
        if isinstance(answer, Answer):
            assert (outcome(as_sent(answer, request.method)), Logged.of(head)) == (in_thread, logged), request
            early += 1
        for _ in range(2):
            again += answer_again(fingerprint(request.data, CLIENT)) is not None
            counting.forget()
            written = answer_at_once(request.data)
            assert written is None or outcome(as_read(written)) == in_thread, request
        assert counting._waiting == {}
        expected.append(hash(str(in_thread)))
    assert count / 3 < early < count
    assert again
    assert together > count / 40
    lease(0)
    for request, digest in zip(requests, expected, strict=True):
        assert hash(str(in_a_thread(request.head()))) == digest, request
