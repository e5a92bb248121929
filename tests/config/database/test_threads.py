"""Each thread renews its own connection to the database."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from config.database.threads import renew_connection

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


def outlive() -> None:
    """Let this thread's connection have lived long enough."""
    connection.ensure_connection()
    connection.close_at = 0


def is_open() -> bool:
    return connection.connection is not None


def test_a_connection_that_has_lived_long_enough_is_closed() -> None:
    outlive()
    renew_connection()
    assert not is_open()


def test_a_connection_of_another_thread_stays_open() -> None:
    outlive()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(renew_connection).result()
    assert is_open()


def test_a_connection_that_may_live_on_stays_open() -> None:
    outlive()
    connection.close_at = None
    renew_connection()
    assert is_open()
