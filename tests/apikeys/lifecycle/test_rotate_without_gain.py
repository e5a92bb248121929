"""Rotating a key never gives more: the caller must be allowed to create such a key now."""

from datetime import timedelta

import pytest
from django.utils import timezone

from access.callers import caller_at_command_line
from accounts.users.changes import UserChanges
from accounts.users.services import update_user
from apikeys.models import ApiKey
from apikeys.services.rotation import rotate_api_key
from config import profiles
from config.wire.errors import NotAllowed
from tests.apikeys.managing import WHO_MANAGES_WHOSE
from tests.apikeys.test_no_escalation import as_caller, with_key_manager
from tests.conftest import Cast, add_user, as_user, assert_problem, make_key, with_key


@pytest.mark.parametrize(("who", "owner", "refusal"), WHO_MANAGES_WHOSE)
@pytest.mark.requirement(46)
def test_who_may_rotate_which_key(cast: Cast, who: str, owner: str, refusal: int) -> None:
    status = refusal or 201
    key = make_key(getattr(cast, owner))
    assert as_user(getattr(cast, who)).post(f"api-keys/{key.row.uuid}/rotate").status_code == status
    assert (ApiKey.objects.get(pk=key.row.pk).revoked_at is not None) == (status == 201)


@pytest.mark.requirement(60)
def test_a_key_that_its_owner_could_not_make_any_more_is_not_rotated(cast: Cast) -> None:
    key = make_key(cast.ada, "users:write")
    update_user(caller=caller_at_command_line(), user=cast.audrey, changes=UserChanges(role="admin"))
    update_user(caller=caller_at_command_line(), user=cast.ada, changes=UserChanges(role="member"))
    refused = as_user(cast.ada).post(f"api-keys/{key.row.uuid}/rotate")
    assert "users:write" in assert_problem(refused, 403, "not_allowed")["detail"]
    assert ApiKey.objects.unrevoked().count() == 1


@pytest.mark.requirement(60)
def test_a_key_manager_rotates_no_key_of_a_more_powerful_person(cast: Cast) -> None:
    with profiles.override(with_key_manager()):
        manager = as_caller(add_user("kim", "keymanager"))
        with pytest.raises(NotAllowed, match="ada may do more than you"):
            rotate_api_key(caller=manager, key=make_key(cast.ada).row, expires_at=None)


@pytest.mark.requirement(60)
def test_a_key_rotates_none_into_one_that_is_wider_than_itself(cast: Cast) -> None:
    wide, program = make_key(cast.acme, "services:write"), with_key(make_key(cast.acme, "keys:write"))
    refused = program.post(f"api-keys/{wide.row.uuid}/rotate")
    assert "services:write" in assert_problem(refused, 403, "not_allowed")["detail"]


@pytest.mark.requirement(60)
def test_a_key_rotates_none_into_one_that_outlives_it(cast: Cast) -> None:
    soon = timezone.now() + timedelta(days=1)
    program = make_key(cast.acme, "keys:write", expires_at=soon)
    lasting = make_key(cast.acme)
    api = with_key(program)
    for body in ({}, {"expires_at": None}, {"expires_at": (soon + timedelta(days=1)).isoformat()}):
        refused = api.post(f"api-keys/{lasting.row.uuid}/rotate", body)
        assert_problem(refused, 400, "invalid", "expires_at")
    assert ApiKey.objects.unrevoked().count() == 2


def test_a_key_rotates_itself(cast: Cast) -> None:
    program = make_key(cast.acme, "keys:write", expires_at=timezone.now() + timedelta(days=1))
    made = with_key(program).post(f"api-keys/{program.row.uuid}/rotate")
    assert made.status_code == 201, made.content
    assert with_key(made.json()["key"]).get("api-keys").status_code == 200
    assert_problem(with_key(program).get("api-keys"), 401, "invalid_token")


@pytest.mark.requirement(60)
def test_a_key_mints_keys_only_with_the_capability_for_it(cast: Cast) -> None:
    program = make_key(cast.acme, "keys:read")
    refused = with_key(program).post(f"api-keys/{program.row.uuid}/rotate")
    assert_problem(refused, 403, "insufficient_scope")
