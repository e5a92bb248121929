"""/account/security says when and from where the person logged in last."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from accounts.sessions import history
from accounts.sessions.history import PastLogin
from accounts.sessions.services import log_in
from audit.actors import Origin
from config.wire.errors import InvalidCredentials
from tests.accounts.helpers import origin_at
from tests.conftest import PASSWORD, Cast
from tests.console.helpers import (
    SECURITY,
    added,
    console_of,
    text_of,
)


def test_the_overview_takes_few_queries(
    cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = console_of(cast.alice)
    added(client)
    with django_assert_num_queries(8):  # …, memberships, app, passkeys, codes, events and their sessions
        client.get(SECURITY)


def test_a_person_sees_their_last_logins_also_those_of_somebody_who_guessed(cast: Cast) -> None:
    wrong = {"identifier": "bob", "password": "a short walk"}
    assert Client().post("/account/login", wrong, REMOTE_ADDR="203.0.113.9").status_code == 401
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    Client(headers={"User-Agent": firefox}).post("/account/login", wrong | {"password": PASSWORD})
    said = text_of(console_of(cast.bob).get(SECURITY))
    logins = said[said.index("Last logins") :]
    assert logins.count("<tr>") == 4  # the head, and three logins
    assert "203.0.113.9" in logins and "wrong password" in logins and "Firefox on Linux" in logins
    assert "wrong password" not in text_of(console_of(cast.alice).get(SECURITY))


def test_the_list_of_logins_is_short_and_asks_for_few_events(
    cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(history.SHOWN + 2):
        client = console_of(cast.bob)
    with django_assert_num_queries(7):  # without an app, no passkeys are looked for
        said = text_of(client.get(SECURITY))
    assert said.count("logged in</span>") == history.SHOWN
    with CaptureQueriesContext(connection) as captured:
        history.last_logins(cast.bob)
    assert f"LIMIT {history.SEARCHED}" in captured.captured_queries[0]["sql"]


def test_a_past_login_is_told_with_its_own_program_or_with_the_reason_why_it_was_refused(cast: Cast) -> None:
    now = datetime.now(UTC)
    for name, program in (("alice", "wget"), ("bob", "curl"), ("alice", "wget")):  # at the same moment
        log_in(identifier=name, password=PASSWORD, origin=origin_at(now), user_agent=program)
    later = Origin("203.0.113.9", "a-request", now + timedelta(seconds=1))
    with pytest.raises(InvalidCredentials):
        log_in(identifier="bob", password="a short walk", origin=later, user_agent="a robot")
    assert history.last_logins(cast.bob) == [
        PastLogin(later.at, "203.0.113.9", "", False, "wrong password"),
        PastLogin(now, "192.0.2.1", "curl", True, ""),
    ]
