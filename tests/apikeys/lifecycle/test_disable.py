"""POST api-keys/{id}/disable and …/enable: off, and on again."""

from datetime import timedelta

import pytest
from django.utils import timezone

from access.callers import caller_at_command_line
from apikeys.models import ApiKey
from apikeys.services.enabling import disable_api_keys, enable_api_keys
from apikeys.services.revocation import revoke_api_keys
from audit.models import Event
from config.wire.errors import Conflict, NotAllowed, NotFound
from tests.apikeys.managing import WHO_MANAGES_WHOSE
from tests.apikeys.profiles import changed
from tests.apikeys.test_no_escalation import as_caller
from tests.conftest import Cast, as_user, assert_problem, make_key, with_key

ORIGINAL = {"X-Original-Method": "GET", "X-Original-URI": "/services/stock"}


def test_a_disabled_key_is_refused_everywhere_until_it_is_enabled(cast: Cast) -> None:
    key, alice = make_key(cast.alice, "services:read", "keys:read"), as_user(cast.alice)
    program = with_key(key)

    def asked() -> list[int]:
        checked = program.get("/gateway/check", headers=ORIGINAL)
        return [program.get("api-keys").status_code, checked.status_code]

    assert asked() == [200, 200]
    off = alice.post(f"api-keys/{key.row.uuid}/disable")
    assert (off.status_code, off.json()["status"]) == (200, "disabled")
    assert off.json()["disabled_at"].endswith("Z")
    assert asked() == [401, 401]
    described = as_user(cast.ada).post("/gateway/introspect", {"token": key.text}).json()
    assert described == {"active": False}
    on = alice.post(f"api-keys/{key.row.uuid}/enable")
    assert (on.status_code, on.json()["status"], on.json()["disabled_at"]) == (200, "active", None)
    assert asked() == [200, 200]


def test_the_answer_to_a_disabled_key_is_that_to_a_revoked_one_and_the_log_knows_why(cast: Cast) -> None:
    disabled, revoked = make_key(cast.alice), make_key(cast.alice)
    disable_api_keys(caller=caller_at_command_line(), selected=[disabled.row])
    revoke_api_keys(caller=caller_at_command_line(), selected=[revoked.row])
    answers = [with_key(key).get("auth/me") for key in (disabled, revoked)]
    assert answers[0].content == answers[1].content
    assert answers[0].headers["WWW-Authenticate"] == answers[1].headers["WWW-Authenticate"]
    refused = Event.objects.get(name="api_key:refused", target_id=str(disabled.row.uuid))
    assert refused.detail == {"reason": "disabled"}


@pytest.mark.parametrize("action", ["disable", "enable"])
@pytest.mark.parametrize("state", ["revoked", "expired"])
def test_nothing_revives_a_key_that_has_ended(cast: Cast, action: str, state: str) -> None:
    key = make_key(cast.alice)
    disable_api_keys(caller=caller_at_command_line(), selected=[key.row])
    if state == "revoked":
        revoke_api_keys(caller=caller_at_command_line(), selected=[key.row])
    else:
        ApiKey.objects.update(
            created_at=timezone.now() - timedelta(days=2), expires_at=timezone.now() - timedelta(days=1)
        )
    answer = as_user(cast.alice).post(f"api-keys/{key.row.uuid}/{action}")
    assert state in assert_problem(answer, 409, "conflict", "status")["detail"]
    assert with_key(key).get("auth/me").status_code == 401
    assert as_user(cast.alice).get(f"api-keys/{key.row.uuid}").json()["status"] == state


def test_disabling_or_enabling_again_is_fine_and_recorded_once(cast: Cast) -> None:
    key, alice = make_key(cast.alice), as_user(cast.alice)
    for action in ("enable", "disable", "disable", "enable", "enable"):
        assert alice.post(f"api-keys/{key.row.uuid}/{action}").status_code == 200
    for name in ("api_key:disabled", "api_key:enabled"):
        event = Event.objects.get(name=name)
        assert (event.actor_id, event.target_id) == (str(cast.alice.uuid), str(key.row.uuid))


@pytest.mark.parametrize(("who", "owner", "refusal"), WHO_MANAGES_WHOSE)
@pytest.mark.requirement(46)
def test_who_may_disable_and_enable_which_key(cast: Cast, who: str, owner: str, refusal: int) -> None:
    status = refusal or 200
    key, api = make_key(getattr(cast, owner)), as_user(getattr(cast, who))
    assert api.post(f"api-keys/{key.row.uuid}/disable").status_code == status
    assert (ApiKey.objects.get().disabled_at is not None) == (status == 200)
    assert api.post(f"api-keys/{key.row.uuid}/enable").status_code == status


def test_of_several_keys_none_is_switched_if_one_may_not_be(cast: Cast) -> None:
    own, seen, hidden = (make_key(owner).row for owner in (cast.bob, cast.acme, cast.umbrella))
    bob = as_caller(cast.bob)
    for service in (disable_api_keys, enable_api_keys):
        with pytest.raises(NotAllowed):
            service(caller=bob, selected=[own, seen])
        with pytest.raises(NotFound):
            service(caller=bob, selected=[own, hidden])
    assert not ApiKey.objects.filter(disabled_at__isnull=False).exists()


def test_of_several_keys_none_is_switched_if_one_has_ended(cast: Cast) -> None:
    rows = [make_key(cast.alice).row for _ in range(2)]
    revoke_api_keys(caller=caller_at_command_line(), selected=rows[1:])
    with pytest.raises(Conflict):
        disable_api_keys(caller=caller_at_command_line(), selected=rows)
    assert not ApiKey.objects.filter(disabled_at__isnull=False).exists()
    assert disable_api_keys(caller=caller_at_command_line(), selected=rows[:1]) == 1


def test_a_disabled_key_stays_in_the_list_that_leaves_out_what_has_ended(
    cast: Cast, served_profile: object
) -> None:
    assert callable(served_profile)
    served_profile(changed(keys={"list": "active"}))
    key = make_key(cast.alice)
    disable_api_keys(caller=caller_at_command_line(), selected=[key.row])
    listed = as_user(cast.alice).get("api-keys").json()["results"]
    assert [each["status"] for each in listed] == ["disabled"]


def test_a_disabled_key_can_be_revoked_and_changed(cast: Cast) -> None:
    key, alice = make_key(cast.alice), as_user(cast.alice)
    alice.post(f"api-keys/{key.row.uuid}/disable")
    assert alice.patch(f"api-keys/{key.row.uuid}", {"name": "new"}).json()["status"] == "disabled"
    assert alice.delete(f"api-keys/{key.row.uuid}").status_code == 204
