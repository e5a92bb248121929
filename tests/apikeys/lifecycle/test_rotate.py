"""POST api-keys/{id}/rotate: a successor that is like the key, and an end to the key."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from access.callers import caller_at_command_line
from access.key_limits import Rate
from accounts.users.services import delete_user
from apikeys.models import ApiKey
from apikeys.services.enabling import disable_api_keys
from apikeys.services.revocation import revoke_api_keys
from apikeys.services.rotation import rotate_api_key
from audit.models import Event
from config.wire.errors import Conflict, Invalid
from tests.apikeys.profiles import changed
from tests.conftest import Api, Cast, as_user, assert_problem, make_key, with_key

DAY = 24 * 3600


@pytest.fixture
def alice(cast: Cast) -> Api:
    return as_user(cast.alice)


def rotate(api: Api, key: Any, **members: Any) -> Any:
    return api.post(f"api-keys/{key.row.uuid}/rotate", members)


def works(text: str) -> bool:
    return bool(with_key(text).get("auth/me").status_code == 200)


def test_the_successor_has_what_the_key_had_and_a_text_and_life_of_its_own(cast: Cast, alice: Api) -> None:
    expires_at = timezone.now() + timedelta(days=30)
    key = make_key(
        cast.acme,
        "services:read",
        name="CI",
        environment="test",
        expires_at=expires_at,
        allowed_networks=["127.0.0.1"],
        rate_limit=Rate(50, 60),
    )
    made = rotate(alice, key)
    assert made.status_code == 201, made.content
    new, old = ApiKey.objects.get(uuid=made.json()["id"]), ApiKey.objects.get(pk=key.row.pk)
    same = ("name", "organization_id", "user_id", "environment", "scopes", "attributes", "expires_at")
    limits = ("allowed_networks", "rate_limit")
    for member in same + limits:
        assert getattr(new, member) == getattr(old, member), member
    assert new.predecessor == old and new.digest != old.digest
    assert (new.use_count, new.revoked_at, new.last_used_at) == (0, None, None)


def test_the_successor_has_the_attributes_of_the_key(cast: Cast, served_profile: Any) -> None:
    from config.profiles.keys import BooleanAttribute

    served_profile(changed(keys={"attributes": {"scans": BooleanAttribute("Scans", default=False)}}))
    key = make_key(cast.alice, attributes={"scans": True})
    made = rotate(as_user(cast.alice), key)
    assert ApiKey.objects.get(uuid=made.json()["id"]).attributes == {"scans": True}


@pytest.mark.requirement(57, 66)
def test_the_new_key_is_shown_once_in_an_answer_that_nobody_stores(cast: Cast, alice: Api) -> None:
    key = make_key(cast.alice, "keys:read")
    made = rotate(alice, key)
    assert "no-store" in made.headers["Cache-Control"]
    shown = alice.get(f"api-keys/{made.json()['id']}").json()
    assert {name: made.json()[name] for name in shown} == shown
    assert made.json().keys() - shown.keys() == {"key", "predecessor_ends_at"}
    text = made.json()["key"]
    assert works(text)
    assert text not in str(alice.get(f"api-keys/{made.json()['id']}").json())
    assert text not in str(list(Event.objects.values()))
    assert text not in repr(
        rotate_api_key(caller=caller_at_command_line(), key=make_key(cast.bob).row, expires_at=None)
    )


@pytest.mark.requirement(66)
def test_without_an_overlap_the_old_key_is_dead_at_once(cast: Cast, alice: Api) -> None:
    key = make_key(cast.alice)
    assert works(key.text)
    made = rotate(alice, key, overlap=0)
    assert works(made.json()["key"]) and not works(key.text)
    old = alice.get(f"api-keys/{key.row.uuid}").json()
    assert (old["status"], old["revoked_at"]) == ("revoked", made.json()["predecessor_ends_at"])


@pytest.mark.parametrize("overlap", [DAY, "24h", "1d"])
@pytest.mark.requirement(66)
def test_both_keys_are_good_during_the_overlap_and_the_old_one_not_after_it(
    cast: Cast, alice: Api, overlap: Any
) -> None:
    key = make_key(cast.alice)
    made = rotate(alice, key, overlap=overlap)
    assert works(key.text) and works(made.json()["key"])
    old, new = ApiKey.objects.get(pk=key.row.pk), ApiKey.objects.get(uuid=made.json()["id"])
    assert old.expires_at == new.created_at + timedelta(days=1)
    assert old.status(old.expires_at) == "expired" and new.expires_at is None
    ApiKey.objects.filter(pk=old.pk).update(expires_at=timezone.now())
    assert works(made.json()["key"]) and not works(key.text)


@pytest.mark.requirement(66)
def test_an_overlap_never_makes_the_old_key_live_longer(cast: Cast, alice: Api) -> None:
    expires_at = timezone.now() + timedelta(hours=1)
    key = make_key(cast.alice, expires_at=expires_at)
    made = rotate(alice, key, overlap="7d", expires_at=None)
    assert made.json()["expires_at"] is None
    assert ApiKey.objects.get(pk=key.row.pk).expires_at == expires_at
    assert made.json()["predecessor_ends_at"] == expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("revoked", ["old", "new"])
@pytest.mark.requirement(66)
def test_either_key_can_be_revoked_during_the_overlap(cast: Cast, alice: Api, revoked: str) -> None:
    key = make_key(cast.alice)
    made = rotate(alice, key, overlap="1h").json()
    texts, ids = {"old": key.text, "new": made["key"]}, {"old": key.row.uuid, "new": made["id"]}
    assert alice.delete(f"api-keys/{ids[revoked]}").status_code == 204
    assert {name: works(text) for name, text in texts.items()} == {"old": True, "new": True} | {
        revoked: False
    }


@pytest.mark.parametrize(
    "overlap",
    [7 * DAY + 1, -1, "8d", "10081m", "999999999w", "0h", "soon", 1.5, True, None, [], "1 day", 10**30],
)
@pytest.mark.requirement(66)
def test_an_overlap_is_bounded(cast: Cast, alice: Api, overlap: Any) -> None:
    key = make_key(cast.alice)
    assert_problem(rotate(alice, key, overlap=overlap), 400, "invalid", "overlap")
    assert ApiKey.objects.get().status(timezone.now()) == "active"


def test_the_service_itself_bounds_the_overlap(cast: Cast) -> None:
    row = make_key(cast.alice).row
    for overlap in (timedelta(days=7, seconds=1), timedelta(seconds=-1)):
        with pytest.raises(Invalid, match="overlap: must be at most 7d"):
            rotate_api_key(caller=caller_at_command_line(), key=row, expires_at=None, overlap=overlap)


def test_a_new_expiry_is_that_of_the_new_key_alone(cast: Cast, alice: Api) -> None:
    key = make_key(cast.alice)
    at = (timezone.now() + timedelta(days=90)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert rotate(alice, key, overlap="1h", expires_at=at).json()["expires_at"] == at
    assert_problem(rotate(alice, make_key(cast.alice), expires_at="2020-01-01T00:00:00Z"), 400, "invalid")


@pytest.mark.parametrize("state", ["revoked", "expired", "disabled", "rotated"])
def test_a_key_that_is_not_good_is_not_rotated(cast: Cast, alice: Api, state: str) -> None:
    key = make_key(cast.alice, name="CI")
    match state:
        case "revoked":
            revoke_api_keys(caller=caller_at_command_line(), selected=[key.row])
        case "expired":
            ApiKey.objects.update(
                created_at=timezone.now() - timedelta(days=2), expires_at=timezone.now() - timedelta(days=1)
            )
        case "disabled":
            disable_api_keys(caller=caller_at_command_line(), selected=[key.row])
        case "rotated":
            assert rotate(alice, key, overlap="1h").status_code == 201
    count = ApiKey.objects.count()
    problem = assert_problem(rotate(alice, key), 409, "conflict", "status")
    assert state in problem["detail"]
    assert ApiKey.objects.count() == count


def test_an_owner_who_lost_the_new_key_revokes_it_and_rotates_again(cast: Cast, alice: Api) -> None:
    key = make_key(cast.alice)
    lost = rotate(alice, key, overlap="1h").json()
    alice.delete(f"api-keys/{lost['id']}")
    again = rotate(alice, key, overlap="1h")
    assert again.status_code == 201 and works(again.json()["key"]) and works(key.text)


def test_a_successor_is_rotated_in_its_turn(cast: Cast, alice: Api) -> None:
    first = make_key(cast.alice)
    second = rotate(alice, first, overlap="1h").json()
    third = alice.post(f"api-keys/{second['id']}/rotate", {"overlap": "1h"}).json()
    assert all(works(text) for text in (first.text, second["key"], third["key"]))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("overlap", [timedelta(), timedelta(hours=1)])
def test_of_several_callers_who_rotate_at_once_one_wins_and_the_others_learn_why(
    cast: Cast, overlap: timedelta
) -> None:
    row, together = make_key(cast.alice).row, threading.Barrier(4)

    def run(_: int) -> str:
        together.wait()
        try:
            rotate_api_key(caller=caller_at_command_line(), key=row, expires_at=None, overlap=overlap)
        except Conflict as error:
            return error.detail
        finally:
            connection.close()
        return "won"

    with ThreadPoolExecutor(4) as pool:
        outcomes = sorted(pool.map(run, range(4)))
    assert outcomes[-1] == "won" and len(set(outcomes[:-1])) == 1
    assert ("is revoked" if not overlap else "was already rotated") in outcomes[0]
    assert ApiKey.objects.count() == 2
    assert Event.objects.filter(name="api_key:rotated").count() == 1


def test_the_log_has_the_successor_and_the_end(cast: Cast, alice: Api) -> None:
    key = make_key(cast.alice, name="CI")
    made = rotate(alice, key, overlap="1h").json()
    event = Event.objects.get(name="api_key:rotated")
    assert (event.actor_id, event.target_id) == (str(cast.alice.uuid), str(key.row.uuid))
    assert event.detail == {"successor": made["id"], "ends_at": made["predecessor_ends_at"]}
    assert Event.objects.filter(name="api_key:created", target_id=made["id"]).exists()


@pytest.mark.parametrize("body", [{"name": "x"}, {"scopes": ["keys:write"]}, {"overlaps": 1}])
def test_nothing_else_changes_by_rotating(cast: Cast, alice: Api, body: dict[str, Any]) -> None:
    assert_problem(rotate(alice, make_key(cast.alice), **body), 400, "invalid", next(iter(body)))


def test_a_person_is_deleted_with_keys_and_successors(cast: Cast, alice: Api) -> None:
    rotate(alice, make_key(cast.alice), overlap="1h")
    delete_user(caller=caller_at_command_line(), user=cast.alice)
    assert not ApiKey.objects.exists()
