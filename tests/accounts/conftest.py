"""Fixtures of the accounts tests."""

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from config.limits import Limit, limits
from tests.accounts.hashers import WatchedArgon2
from tests.accounts.mailbox import Mailbox, listening, use_mail_server


@pytest.fixture
def hashing(settings: Settings) -> Iterator[type[WatchedArgon2]]:
    """The counting hasher, from nought."""
    settings.PASSWORD_HASHERS = ["tests.accounts.hashers.WatchedArgon2"]
    WatchedArgon2.computed = 0
    yield WatchedArgon2
    WatchedArgon2.meanwhile = None


@pytest.fixture
def tried_often(settings: Settings) -> None:
    """An installation whose operator lets everything be tried very often."""
    members = ("here", "account", "address")
    settings.LIMITS = limits([f"{limit}.{member}=1000" for limit in Limit for member in members])


@pytest.fixture
def mailbox(settings: Settings) -> Iterator[Mailbox]:
    """A real mail server, to which mails go."""
    with listening() as box:
        use_mail_server(settings, box.port)
        yield box
