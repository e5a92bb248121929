"""Fixtures of the key tests."""

from collections.abc import Iterator

import pytest

from apikeys.usage import rates
from tests.accounts.conftest import valkey, valkey_server

__all__ = ["valkey", "valkey_server"]


@pytest.fixture(autouse=True)
def nothing_counted() -> Iterator[None]:
    """Begin each test with new windows of rate limits."""
    rates.forget()
    yield
    rates.forget()
