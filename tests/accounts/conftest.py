"""Fixtures of the accounts tests."""

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from tests.accounts.hashers import WatchedArgon2


@pytest.fixture
def hashing(settings: Settings) -> Iterator[type[WatchedArgon2]]:
    """The counting hasher, from nought."""
    settings.PASSWORD_HASHERS = ["tests.accounts.hashers.WatchedArgon2"]
    WatchedArgon2.computed = 0
    yield WatchedArgon2
    WatchedArgon2.meanwhile = None
