"""Fixtures of the admin's tests."""

from collections.abc import Callable

import pytest
from django.test import Client
from msgspec.structs import replace

from accounts.models import User
from apikeys.services.api_keys import NewKey
from config import profiles
from config.profiles import Profile
from tests.conftest import Cast, add_user, make_key, with_roles
from tests.logins import browser


@pytest.fixture
def ada(cast: Cast) -> Client:
    """The browser of an administrator."""
    return browser(cast.ada)


@pytest.fixture
def key(cast: Cast) -> NewKey:
    """A key of bob's."""
    return make_key(cast.bob, "services:read", name="CI")


@pytest.fixture
def people_manager(served_profile: Callable[[Profile], None], cast: Cast) -> User:
    """A person who manages people but may do no more than members."""
    roles = profiles.active().roles
    member = roles["member"]
    manager = replace(member, capabilities=(*member.capabilities, "read_users", "manage_users"))
    developer = replace(roles["developer"], capabilities=(), scopes=())
    served_profile(with_roles(manager=manager, developer=developer))
    return add_user("manager", "manager")
