"""Roles as a product may have them: owners and managers manage their organization, viewers only see it."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from config import profiles
from config.profiles import Capability, Profile
from config.profiles.schema import Role
from tests.conftest import Cast, with_roles

VIEWER = Role(
    description="Sees everything here", level="organization", capabilities=(Capability.READ_ORGANIZATIONS,)
)
MANAGER = Role(
    description="Manages people here",
    level="organization",
    capabilities=(
        Capability.READ_USERS,
        Capability.READ_ORGANIZATIONS,
        Capability.MANAGE_ORGANIZATIONS,
    ),
)


@pytest.fixture
def managed(served_profile: Callable[[Profile], None], db: None) -> None:
    owner = replace(profiles.active().roles["owner"], capabilities="*", scopes="*")
    served_profile(with_roles(owner=owner, viewer=VIEWER, manager=MANAGER))


@pytest.fixture
def company(managed: None, cast: Cast) -> Cast:
    """The cast under these roles."""
    return cast
