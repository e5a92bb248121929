"""Refused keys: clients get one answer for all reasons, and the audit log has the reason."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from access.callers import caller_at_command_line
from accounts.users.changes import UserChanges
from accounts.users.services import update_user
from apikeys.at_rest import key_text
from apikeys.models import ApiKey
from apikeys.services.api_keys import NewKey
from apikeys.services.enabling import disable_api_keys
from apikeys.services.revocation import revoke_api_keys
from audit import refusals
from audit.models import Event
from config import profiles
from tests.conftest import Cast, assert_problem, make_key, with_key

REASONS = ["unknown", "revoked", "expired", "disabled", "owner inactive"]


def refused_key(cast: Cast, reason: str) -> NewKey | str:
    if reason == "unknown":
        return key_text.mint(profiles.active().keys.environments["live"])
    key = make_key(cast.bob, "keys:read", name="CI")
    if reason == "revoked":
        revoke_api_keys(caller=caller_at_command_line(), selected=[key.row])
    elif reason == "expired":
        ended = timezone.now()
        ApiKey.objects.filter(pk=key.row.pk).update(created_at=ended - timedelta(days=1), expires_at=ended)
    elif reason == "disabled":
        disable_api_keys(caller=caller_at_command_line(), selected=[key.row])
    else:
        update_user(caller=caller_at_command_line(), user=cast.bob, changes=UserChanges(is_active=False))
    return key


@pytest.mark.parametrize("reason", REASONS)
def test_the_reason_of_a_refusal_is_recorded_with_the_key_it_is_about(cast: Cast, reason: str) -> None:
    key = refused_key(cast, reason)
    assert_problem(with_key(key).get("api-keys"), 401, "invalid_token")
    event = Event.objects.get(name="api_key:refused")
    assert event.detail == {"reason": reason}
    assert (event.actor_kind, event.ip) == ("anonymous", "127.0.0.1")
    about = ("", "", "") if isinstance(key, str) else ("api_key", str(key.row.uuid), "CI")
    assert (event.target_kind, event.target_id, event.target_label) == about


def test_the_public_answer_is_the_same_for_every_reason_and_for_a_malformed_key(cast: Cast) -> None:
    refused = [refused_key(cast, reason) for reason in REASONS]
    answers = [with_key(key).get("api-keys") for key in [*refused, "kh_live_malformed"]]
    seen = {
        (a.status_code, a.content, a.headers["WWW-Authenticate"], tuple(sorted(a.headers))) for a in answers
    }
    assert len(seen) == 1


def test_the_refusal_of_an_organization_s_key_is_for_its_auditors_to_see(cast: Cast) -> None:
    key = make_key(cast.acme)
    revoke_api_keys(caller=caller_at_command_line(), selected=[key.row])
    with_key(key).get("api-keys")
    assert Event.objects.get(name="api_key:refused").organization_id == cast.acme.pk


def test_the_same_refusal_is_recorded_once_a_minute(cast: Cast) -> None:
    key = refused_key(cast, "revoked")
    for _ in range(5):
        assert_problem(with_key(key).get("api-keys"), 401)
    assert Event.objects.filter(name="api_key:refused").count() == 1
    refusals.forget()
    with_key(key).get("api-keys")
    assert Event.objects.filter(name="api_key:refused").count() == 2


def test_a_malformed_key_is_not_recorded(cast: Cast) -> None:
    assert_problem(with_key("kh_live_malformed").get("api-keys"), 401)
    assert not Event.objects.filter(name="api_key:refused").exists()


def test_an_organization_s_key_outlives_the_person_who_made_it(cast: Cast) -> None:
    from access.principals import Caller, Credential
    from accounts.users.principals import principal_of
    from audit.actors import Origin

    maker = Caller(
        principal_of(cast.alice, Credential("jwt", "", proven_at=datetime.now(UTC))), Origin.here()
    )
    key = make_key(cast.acme, "keys:read", caller=maker)
    update_user(caller=caller_at_command_line(), user=cast.alice, changes=UserChanges(is_active=False))
    assert with_key(key).get("api-keys").status_code == 200
