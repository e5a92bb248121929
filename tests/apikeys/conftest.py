"""Fixtures of the key tests."""

from collections.abc import Iterator

import pytest

from apikeys.usage import quotas
from tests.accounts.conftest import valkey, valkey_server

__all__ = ["valkey", "valkey_server"]


@pytest.fixture(autouse=True)
def nothing_counted() -> Iterator[None]:
    """Windows of rate limits do not go from one test to the next."""
    quotas.forget()
    yield
    quotas.forget()
