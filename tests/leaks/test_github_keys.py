"""GitHub's public keys: fetched when a report needs them, and kept."""

import ssl
import threading
from contextlib import suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.db.models import F
from pytest_django.fixtures import Settings

from leaks.github import download
from leaks.models import GithubKeys
from tests.accounts.helpers import at_once
from tests.certificates import certificates
from tests.conftest import assert_problem
from tests.leaks.github import Github, listed, new_key, reply, running

pytestmark = pytest.mark.requirement(130)


def a_minute_later() -> None:
    GithubKeys.objects.update(tried_at=F("tried_at") - timedelta(minutes=1))


def test_an_unknown_identifier_fetches_the_keys_at_most_once_a_minute(db: None, github: Github) -> None:
    assert github.post(b"[]").status_code == 200
    for number in range(3):
        assert_problem(github.post(b"[]", identifier=f"unknown {number}"), 403, "bad_signature")
    assert github.asked == 1
    a_minute_later()
    for number in range(3):
        assert_problem(github.post(b"[]", identifier=f"unknown {number}"), 403, "bad_signature")
    assert github.asked == 2


def test_a_new_key_of_github_is_fetched_when_it_is_first_used(db: None, github: Github) -> None:
    assert github.post(b"[]").status_code == 200
    github.key, github.identifier = new_key(), "new"
    assert_problem(github.post(b"[]"), 403, "bad_signature")
    a_minute_later()
    assert github.post(b"[]").status_code == 200
    assert github.asked == 2


def test_a_key_that_github_has_withdrawn_is_forgotten_after_a_day(db: None, github: Github) -> None:
    github.post(b"[]")
    (
        old,
        github.key,
    ) = github.key, new_key()
    github.identifier = "new"
    GithubKeys.objects.update(
        fetched_at=F("fetched_at") - timedelta(days=1), tried_at=F("tried_at") - timedelta(days=1)
    )
    assert github.post(b"[]").status_code == 200
    signed = Github(key=old).sign(b"[]")
    assert_problem(github.post(b"[]", identifier=Github.identifier, signature=signed), 403, "bad_signature")


def test_another_key_under_a_known_identifier_is_not_believed(db: None, github: Github) -> None:
    github.post(b"[]")
    github.key = new_key()
    a_minute_later()
    assert_problem(github.post(b"[]", identifier="x"), 503, "unavailable")
    assert_problem(github.post(b"[]"), 403, "bad_signature")


def redirect(handler: BaseHTTPRequestHandler) -> None:
    reply(handler, b"", 302, Location="/elsewhere")


ANSWERS: dict[str, Any] = {
    "redirect": redirect,
    "error": lambda handler: reply(handler, b"no", 500),
    "too large": lambda handler: reply(handler, listed(a=new_key()) + b" " * 100_000),
    "no json": lambda handler: reply(handler, b"<html>"),
    "another form": lambda handler: reply(handler, b'{"public_keys": {}}'),
    "no key": lambda handler: reply(handler, b'{"public_keys": [{"key_identifier": "a", "key": "b"}]}'),
    "another curve": lambda handler: reply(handler, listed(a=new_key(ec.SECP384R1()))),
    "cut off": lambda handler: reply(handler, b"{", 200, **{"Content-Length": "500"}),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_keys_that_cannot_be_had_are_503_until_they_can(db: None, github: Github, answer: str) -> None:
    github.answer = ANSWERS[answer]
    for _ in range(2):
        response = github.post(b"[]")
        assert_problem(response, 503, "unavailable")
        assert response.headers["Retry-After"] == "60"
    assert github.asked == 1
    github.answer = None
    a_minute_later()
    assert github.post(b"[]").status_code == 200


def test_known_keys_are_good_while_github_is_away(db: None, github: Github) -> None:
    github.post(b"[]")
    github.answer = ANSWERS["error"]
    GithubKeys.objects.update(
        fetched_at=F("fetched_at") - timedelta(days=3), tried_at=F("tried_at") - timedelta(days=3)
    )
    assert github.post(b"[]").status_code == 200
    assert github.asked == 2


def test_a_list_that_takes_too_long_is_given_up(
    db: None, github: Github, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "SECONDS", 0.2)
    ended = threading.Event()

    def slowly(handler: BaseHTTPRequestHandler) -> None:
        """A byte every now and then, each in time."""
        handler.send_response(200)
        handler.end_headers()
        while not ended.wait(0.02):
            with suppress(OSError):
                handler.wfile.write(b" ")

    github.answer = slowly
    assert_problem(github.post(b"[]"), 503, "unavailable")
    ended.set()


def test_keys_come_over_tls_from_a_server_that_is_trusted(
    db: None, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = certificates(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(files.server)
    with running(Github(), tls) as server:
        settings.GITHUB_KEYS_URL = server.url
        assert_problem(server.post(b"[]"), 503, "unavailable")
        assert server.asked == 0
        monkeypatch.setenv("SSL_CERT_FILE", str(files.authority))
        a_minute_later()
        assert server.post(b"[]").status_code == 200


def test_nobody_listens_where_the_keys_should_be(db: None, github: Github, settings: Settings) -> None:
    settings.GITHUB_KEYS_URL = "http://127.0.0.1:1/"
    assert_problem(github.post(b"[]"), 503, "unavailable")


@pytest.mark.databases
@pytest.mark.django_db(transaction=True)
def test_reports_at_once_fetch_the_keys_once(github: Github) -> None:
    answers = at_once(lambda _: github.post(b"[]").status_code, times=4)
    assert set(answers) <= {200, 503}
    assert github.asked == 1
