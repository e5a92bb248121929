"""CHECKLIST 84: a change that cannot be recorded does not happen. The tests really remove the table."""

from collections.abc import Callable

import pytest
from django.db import DatabaseError

from access.principals import Caller
from accounts.models import Membership, Organization, Session, User
from accounts.organizations.changes import OrganizationChanges
from accounts.organizations.services import (
    add_member,
    create_organization,
    remove_member,
    update_organization,
)
from accounts.users.changes import UserChanges
from accounts.users.services import update_user
from apikeys.changes import ApiKeyChanges
from apikeys.models import ApiKey
from apikeys.services.api_keys import update_api_key
from apikeys.services.enabling import disable_api_keys
from apikeys.services.revocation import revoke_api_keys
from apikeys.services.rotation import rotate_api_key
from audit.models import ChainHead
from tests.audit.broken import no_event_table
from tests.conftest import Api, Cast, add_user, as_user, log_in, make_key

TABLES = (User, Organization, Membership, Session, ApiKey, ChainHead)

pytestmark = pytest.mark.django_db(transaction=True)


def everything() -> list[object]:
    return [list(model._default_manager.order_by("pk").values()) for model in TABLES]


Change = Callable[[Cast, Caller], object]
CHANGES: dict[str, Change] = {
    "create a user": lambda cast, operator: add_user("dora"),
    "create a user with memberships": lambda cast, operator: add_user(
        "dora", memberships=[(cast.acme, "owner")]
    ),
    "change a role": lambda cast, operator: update_user(
        caller=operator, user=cast.bob, changes=UserChanges(role="admin")
    ),
    "deactivate a user": lambda cast, operator: update_user(
        caller=operator, user=cast.bob, changes=UserChanges(is_active=False)
    ),
    "create an organization": lambda cast, operator: create_organization(caller=operator, name="Initech"),
    "rename an organization": lambda cast, operator: update_organization(
        caller=operator, organization=cast.acme, changes=OrganizationChanges(name="Initech")
    ),
    "add a member": lambda cast, operator: add_member(
        caller=operator, organization=cast.acme, user=cast.mallory, role="owner"
    ),
    "remove a member": lambda cast, operator: remove_member(
        caller=operator, membership=Membership.objects.get(user=cast.bob)
    ),
    "create a key": lambda cast, operator: make_key(cast.alice, "services:read"),
    "rename a key": lambda cast, operator: update_api_key(
        caller=operator, key=ApiKey.objects.get(), changes=ApiKeyChanges(name="another")
    ),
    "limit a key": lambda cast, operator: update_api_key(
        caller=operator, key=ApiKey.objects.get(), changes=ApiKeyChanges(allowed_networks=["192.0.2.7"])
    ),
    "rotate a key": lambda cast, operator: rotate_api_key(
        caller=operator, key=ApiKey.objects.get(), expires_at=None
    ),
    "disable a key": lambda cast, operator: disable_api_keys(
        caller=operator, selected=list(ApiKey.objects.all())
    ),
    "revoke a key": lambda cast, operator: revoke_api_keys(
        caller=operator, selected=list(ApiKey.objects.all())
    ),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.requirement(84)
def test_a_change_that_cannot_be_recorded_is_not_made(cast: Cast, operator: Caller, change: str) -> None:
    make_key(cast.alice, "services:read")
    before = everything()
    with no_event_table(), pytest.raises(DatabaseError):
        CHANGES[change](cast, operator)
    assert everything() == before


@pytest.mark.requirement(84)
def test_a_login_that_cannot_be_recorded_fails(cast: Cast) -> None:
    before = everything()
    body = {"username": "alice", "password": "a long walk to the lighthouse"}
    with no_event_table():
        assert Api().post("auth/login", body).status_code >= 500
    assert everything() == before
    assert log_in(cast.alice)


@pytest.mark.requirement(84)
def test_a_logout_that_cannot_be_recorded_fails_and_the_session_lives(cast: Cast) -> None:
    alice = as_user(cast.alice)
    with no_event_table():
        assert alice.post("auth/logout").status_code >= 500
    assert alice.get("auth/me").status_code == 200
    assert alice.post("auth/logout").status_code == 204
    assert alice.get("auth/me").status_code == 401


@pytest.mark.requirement(84)
def test_a_key_that_cannot_be_recorded_is_not_shown(cast: Cast) -> None:
    alice = as_user(cast.alice)
    with no_event_table():
        response = alice.post("api-keys", {"name": "CI"})
    assert response.status_code >= 500
    assert b"kh_live_" not in response.content
    assert not ApiKey.objects.exists()
