"""Every test of this folder runs under every shipped profile, and under one that exists only here."""

from collections.abc import Callable

import pytest
from pytest_django.fixtures import Settings

from accounts.models import User
from config.limits import Bounds
from config.profiles import Profile
from tests.config.profile_texts import SHIPPED, profile_called
from tests.conftest import add_user
from tests.every_profile.speaker import Speaker, everything_role, least_role


@pytest.fixture(params=[*SHIPPED, "dialect"])
def speaker(
    request: pytest.FixtureRequest, db: None, settings: Settings, served_profile: Callable[[Profile], None]
) -> Speaker:
    """The API of a product, in canonical names."""
    name: str = request.param
    profile = profile_called(name)
    served_profile(profile)
    settings.LIMITS = dict.fromkeys(settings.LIMITS, Bounds(seconds=1))  # these tests are not about them
    return Speaker(profile)


@pytest.fixture
def admin(speaker: Speaker) -> User:
    return add_user("admin", everything_role(speaker.profile))


@pytest.fixture
def person(speaker: Speaker) -> User:
    """A person in the role that allows least."""
    return add_user("person", least_role(speaker.profile))
