"""Fixtures of the admin's tests."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from accounts.models import User
from config import profiles
from config.profiles import Profile
from tests.conftest import Cast, add_user


@pytest.fixture
def people_manager(served_profile: Callable[[Profile], None], cast: Cast) -> User:
    """Somebody who manages people as far as members go, and no more."""
    file = profiles.active().file
    member = file.roles["member"]
    manager = replace(member, capabilities=(*member.capabilities, "read_users", "manage_users"))
    owner = replace(file.roles["developer"], capabilities=(), scopes=())
    served_profile(
        Profile("test", replace(file, roles={**file.roles, "manager": manager, "developer": owner}))
    )
    return add_user("manager", "manager")
