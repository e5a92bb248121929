"""The cast, and the ways in which tests use Keyhouse.

Acme is an organization: alice owns it, bob is on her team. Charlie is in another one, Umbrella, which
he owns. Ada administers everything, audrey audits everything, mallory is nobody in particular.
"""

import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.signals import request_started
from django.db import connection, transaction
from django.test import Client, TransactionTestCase
from django.urls import set_urlconf
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from msgspec import json
from msgspec.structs import replace
from pytest_django.fixtures import Settings

from access.backoffice import spool
from access.callers import caller_at_command_line
from access.principal_cache import memory
from access.principals import Caller
from accounts.models import Organization, User
from accounts.organizations.services import create_organization
from accounts.throttling import valkey as valkey_counts
from accounts.users.services import create_user
from apikeys.quotas import leases
from apikeys.services.api_keys import NewKey, create_api_key
from apikeys.usage import counting
from audit import refusals, triggers
from config import profiles
from config.apps import load_admin
from config.database.threads import renew_connection
from config.profiles import Profile
from config.profiles.schema import Role
from gateway import repeated
from tests.accounts.mailbox import Mailbox, listening, use_mail_server
from tests.logins import token_of
from tests.running import migrated
from tests.snapshot import Snapshot
from tests.urls import urls_under

load_admin()  # tests are made for each of its pages, before the first request loads them
request_started.disconnect(renew_connection)  # it would end the transactions in which tests run

PASSWORD = "a long walk to the lighthouse"
FILLED_BY_MIGRATIONS = {"django_content_type", "auth_permission"}

# Nothing depends on how fast the machine is, and nothing is left in the folder.
hypothesis_settings.register_profile(
    "keyhouse", max_examples=50, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.register_profile("soak", hypothesis_settings.get_profile("keyhouse"), max_examples=2_000)
hypothesis_settings.load_profile("keyhouse")


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None) -> None:
    """Test on a copy of a migrated database: pytest-django would migrate one for each run."""
    migrated.prepare(connection.settings_dict["NAME"])


@pytest.fixture(scope="session", autouse=True)
def right_database(django_db_setup: None) -> None:
    """Fail the whole run if it is not on the database that it was meant for."""
    expected = os.environ.get("KEYHOUSE_TEST_VENDOR", "sqlite")
    if connection.vendor != expected:
        pytest.exit(f"these tests were to run on {expected} and run on {connection.vendor}", returncode=3)


@pytest.fixture(scope="session", autouse=True)
def tests_can_be_undone() -> Iterator[None]:
    """After a test that commits every table is emptied, the audit log too: let it be, and only then.

    Django would truncate all tables of PostgreSQL, which takes a hundred times as long for so few rows, and
    write again what is FILLED_BY_MIGRATIONS.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: empty_tables())
        yield


def empty_tables() -> None:
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    with transaction.atomic(), connection.cursor() as cursor:
        triggers.drop(connection)
        for table in sorted(set(tables) - FILLED_BY_MIGRATIONS):
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")
        triggers.create(connection)


@pytest.fixture(scope="session", autouse=True)
def uses_are_written_when_asked() -> Iterator[None]:
    """The thread that writes the uses of keys runs in real servers; here `usage.flush()` does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "FLUSH_SECONDS", threading.TIMEOUT_MAX)
        yield


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """What a process keeps in memory does not go from one test to the next."""
    refusals.forget()
    valkey_counts.forget()
    yield
    counting.forget()
    repeated.forget()
    spool.forget()
    leases.forget()


@pytest.fixture
def lease(settings: Settings) -> Iterator[Callable[[float], None]]:
    """Let this process trust what it has read, for so many seconds, until the test ends: call it."""

    def grant(seconds: float) -> None:
        settings.EPOCH_LEASE_SECONDS = seconds

    memory.forget()
    yield grant
    memory.forget()


@pytest.fixture
def served_profile(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Profile], None]]:
    """Serve another profile until the test ends: call it with the profile, before the cast is made."""
    with ExitStack() as stack:

        def serve(profile: Profile) -> None:
            stack.enter_context(profiles.override(profile))
            monkeypatch.setattr(django_settings, "ROOT_URLCONF", urls_under(json.encode(profile.file)))
            set_urlconf(None)

        yield serve


def with_roles(**changed: Role) -> Profile:
    """The active profile with some roles changed, or more of them."""
    file = profiles.active().file
    return Profile("test", replace(file, roles={**file.roles, **changed}))


@pytest.fixture
def strong_owners(served_profile: Callable[[Profile], None]) -> None:
    """The shipped profile, but owners may do everything inside their organization."""
    owner = replace(profiles.active().roles["owner"], capabilities="*", scopes="*")
    served_profile(with_roles(owner=owner))


@pytest.fixture
def operator() -> Caller:
    return caller_at_command_line()


@dataclass(frozen=True)
class Cast:
    acme: Organization
    umbrella: Organization
    ada: User
    audrey: User
    alice: User
    bob: User
    charlie: User
    mallory: User


def add_user(name: str, role: str = "member", **options: Any) -> User:
    """A person with the password of all tests."""
    return create_user(
        caller=caller_at_command_line(),
        username=name,
        email=f"{name}@example.org",
        name=name.capitalize(),
        role=role,
        password=PASSWORD,
        **options,
    )


def make_cast() -> Cast:
    operator = caller_at_command_line()
    acme = create_organization(caller=operator, name="Acme")
    umbrella = create_organization(caller=operator, name="Umbrella")
    add_user("ada", "admin")
    add_user("audrey", "auditor")
    add_user("alice", memberships=[(acme, "owner")])
    add_user("bob", memberships=[(acme, "developer")])
    add_user("charlie", memberships=[(umbrella, "owner")])
    add_user("mallory")
    found: dict[str | None, Any] = {each.name.lower(): each for each in Organization.objects.all()}
    found |= {each.username: each for each in User.objects.all()}
    return Cast(**{name: found[name] for name in Cast.__dataclass_fields__})


cast_under: defaultdict[bytes, Snapshot[Cast]] = defaultdict(lambda: Snapshot(make_cast))  # by the profile


@pytest.fixture
def cast(db: None) -> Cast:
    return cast_under[json.encode(profiles.active().file)].write()


def make_key(owner: User | Organization, *scopes: str, name: str = "a key", **options: Any) -> NewKey:
    """A key made at the command line."""
    caller = options.pop("caller", None) or caller_at_command_line()
    return create_api_key(caller=caller, name=name, owner=owner, granted=scopes, **options)


class Api:
    """A client of the HTTP API, with one credential or none. Paths are below the base path."""

    BASE = "/api/v1"

    def __init__(self, headers: dict[str, str] | None = None) -> None:
        self.client = Client(headers=headers or {}, raise_request_exception=False)

    def get(self, path: str, **options: Any) -> Any:
        return self.client.get(self._address(path), **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.client.post(self._address(path), body, content_type="application/json", **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.client.patch(self._address(path), body, content_type="application/json", **options)

    def delete(self, path: str, **options: Any) -> Any:
        return self.client.delete(self._address(path), **options)

    def _address(self, path: str) -> str:
        return path if path.startswith("/") else f"{self.BASE}/{path}"


@pytest.fixture
def anonymous(db: None) -> Api:
    return Api()


def log_in(user: User, password: str = PASSWORD) -> dict[str, Any]:
    """The answer to a login of `user` through the API."""
    response = Api().post("auth/login", {"username": user.username, "password": password})
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    return answer


def as_user(user: User) -> Api:
    """The API as a person who has logged in. Their password is not asked for: `log_in` tests that."""
    return Api({"Authorization": f"Bearer {token_of(user)}"})


def with_key(key: NewKey | str) -> Api:
    """The API as a program with a key."""
    return Api({"X-API-Key": key if isinstance(key, str) else key.text})


def assert_problem(
    response: Any, status: int, code: str | None = None, member: str | None = None
) -> dict[str, Any]:
    """Assert that a response is a well-formed problem document, and return it."""
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["title"] and problem["detail"] and problem["type"] == "about:blank"
    assert code is None or problem["code"] == code, problem
    assert member is None or member in [error["member"] for error in problem["errors"]], problem
    return problem


@pytest.fixture
def mailbox(settings: Settings) -> Iterator[Mailbox]:
    """A real mail server, to which mails go."""
    with listening() as box:
        use_mail_server(settings, box.port)
        yield box
