"""Answers of passkeys that arrive at the same moment, each over a database connection of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from accounts.models import Passkey, Session
from tests.accounts.passkeys.authenticator import (
    CONFIRM,
    Authenticator,
    asked_at,
    at_localhost,
    begun,
    browser,
    with_passkey,
)
from tests.conftest import Cast

AT_ONCE = 4

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="on SQLite, writers wait for each other before they read"
    ),
]


def statuses(do: Callable[[int], Any]) -> list[int]:
    """Return the statuses of requests that several threads send together."""
    together = threading.Barrier(AT_ONCE)

    def one(number: int) -> int:
        together.wait()
        try:
            return int(do(number).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sorted(pool.map(one, range(AT_ONCE)))


def same_browsers(client: Client) -> list[Client]:
    """Return browsers with the cookies of one."""
    copies = [browser() for _ in range(AT_ONCE)]
    for copy in copies:
        for name, morsel in client.cookies.items():
            copy.cookies[name] = morsel.value
    return copies


@pytest.mark.requirement(17)
def test_of_logins_with_one_answer_one_gets_in(cast: Cast) -> None:
    key, client = with_passkey(cast.ada), browser()
    sent = key.signed(asked_at(client))
    before = Session.objects.count()
    copies = same_browsers(client)
    found = statuses(lambda number: copies[number].post("/account/login", {"passkey": sent}))
    assert found == [302, *[400] * (AT_ONCE - 1)]
    assert Session.objects.count() == before + 1


def test_of_requests_that_add_one_passkey_one_adds_it(cast: Cast) -> None:
    client, key = at_localhost(cast.ada), Authenticator()
    sent = {"name": "Laptop", "passkey": key.made(begun(client))}
    copies = same_browsers(client)
    assert settings.SESSION_COOKIE_NAME in copies[0].cookies
    statuses(lambda number: copies[number].post(CONFIRM, sent))
    assert Passkey.objects.count() == 1
