"""PATCH api-keys/{id} changes the name, and nothing else."""

from typing import Any
from uuid import uuid4

import pytest

from access.callers import caller_at_command_line
from apikeys.changes import ApiKeyChanges
from apikeys.models import ApiKey
from apikeys.services.api_keys import update_api_key
from apikeys.services.revocation import revoke_api_keys
from audit.models import Event
from config.wire.errors import Invalid
from tests.apikeys.managing import WHO_MANAGES_WHOSE
from tests.conftest import Cast, as_user, assert_problem, make_key, with_key


def test_a_key_gets_another_name_and_the_log_both(cast: Cast) -> None:
    key = make_key(cast.alice, name="old")
    answer = as_user(cast.alice).patch(f"api-keys/{key.row.uuid}", {"name": " new "})
    assert (answer.status_code, answer.json()["name"]) == (200, "new")
    assert ApiKey.objects.get(pk=key.row.pk).name == "new"
    event = Event.objects.get(name="api_key:renamed")
    assert (event.target_id, event.detail) == (str(key.row.uuid), {"from": "old", "to": "new"})


READ_ONLY = (
    "id", "key", "key_prefix", "environment", "scopes", "user", "organization", "owner", "status", "digest",
    "pepper", "expires_at", "created_at", "revoked_at", "last_used_at", "last_used_ip", "use_count", "uuid",
)  # fmt: skip


@pytest.mark.parametrize("member", READ_ONLY)
@pytest.mark.requirement(61)
def test_members_that_nobody_sets_are_refused_by_name_and_stay_as_they_are(cast: Cast, member: str) -> None:
    key = make_key(cast.alice, "services:read", name="old")
    before = ApiKey.objects.filter(pk=key.row.pk).values().get()
    for value in (str(cast.ada.uuid), None, 5, ["keys:write"]):
        answer = as_user(cast.alice).patch(f"api-keys/{key.row.uuid}", {"name": "new", member: value})
        assert_problem(answer, 400, "invalid", member)
    assert ApiKey.objects.filter(pk=key.row.pk).values().get() == before


SET_AT_CREATION = {"scopes", "environment", "expires_at", "organization"}


@pytest.mark.parametrize("member", [name for name in READ_ONLY if name not in SET_AT_CREATION])
@pytest.mark.requirement(61)
def test_members_that_nobody_sets_are_refused_at_creation(cast: Cast, member: str) -> None:
    answer = as_user(cast.ada).post("api-keys", {"name": "new", member: str(cast.alice.uuid)})
    assert_problem(answer, 400, "invalid", member)
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(
    "body",
    [{}, {"name": ""}, {"name": None}, {"name": 1}, {"name": "x" * 5_000}, {"name": "a\tb"}, {"name": []}],
)
def test_a_malformed_name_is_refused(cast: Cast, body: dict[str, Any]) -> None:
    key = make_key(cast.alice, name="old")
    assert_problem(as_user(cast.alice).patch(f"api-keys/{key.row.uuid}", body), 400, "invalid", "name")
    assert ApiKey.objects.get(pk=key.row.pk).name == "old"


def test_the_service_itself_refuses_a_bad_name(cast: Cast) -> None:
    row = make_key(cast.alice).row
    for name in ("", " ", "x" * 101, "a\x00", "a\x07"):
        with pytest.raises(Invalid, match="name: "):
            update_api_key(caller=caller_at_command_line(), key=row, changes=ApiKeyChanges(name=name))


@pytest.mark.parametrize(("who", "owner", "refusal"), WHO_MANAGES_WHOSE)
@pytest.mark.requirement(46)
def test_who_may_rename_and_revoke_which_key(cast: Cast, who: str, owner: str, refusal: int) -> None:
    status = refusal or 200
    key = make_key(getattr(cast, owner), name="old")
    api = as_user(getattr(cast, who))
    renamed = api.patch(f"api-keys/{key.row.uuid}", {"name": "new"})
    assert renamed.status_code == status
    assert ApiKey.objects.get(pk=key.row.pk).name == ("new" if status == 200 else "old")
    assert api.delete(f"api-keys/{key.row.uuid}").status_code == (204 if status == 200 else status)
    assert ApiKey.objects.unrevoked().filter(pk=key.row.pk).exists() == (status != 200)


@pytest.mark.requirement(46)
def test_an_unknown_key_cannot_be_renamed_or_revoked(cast: Cast) -> None:
    assert_problem(as_user(cast.ada).patch(f"api-keys/{uuid4()}", {"name": "x"}), 404, "not_found")
    assert_problem(as_user(cast.ada).delete(f"api-keys/{uuid4()}"), 404, "not_found")


def test_a_revoked_key_can_be_renamed_and_stays_revoked(cast: Cast) -> None:
    key = make_key(cast.alice)
    revoke_api_keys(caller=caller_at_command_line(), selected=[key.row])
    answer = as_user(cast.alice).patch(f"api-keys/{key.row.uuid}", {"name": "new"})
    assert (answer.status_code, answer.json()["status"]) == (200, "revoked")
    assert with_key(key).get("auth/me").status_code == 401


def test_renaming_writes_the_name_only(cast: Cast) -> None:
    stale = make_key(cast.alice).row
    revoke_api_keys(caller=caller_at_command_line(), selected=[stale])
    update_api_key(caller=caller_at_command_line(), key=stale, changes=ApiKeyChanges(name="new"))
    assert ApiKey.objects.get(pk=stale.pk).revoked_at is not None
