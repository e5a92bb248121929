"""DELETE users/{id}: what is deleted with the person, who may do it, and who cannot be deleted."""

from contextlib import suppress

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from access.principals import Caller
from accounts.models import Membership, Session, User
from accounts.organizations.services import delete_organization
from accounts.users.changes import UserChanges
from accounts.users.services import delete_user, delete_users, update_user
from apikeys.models import ApiKey
from apikeys.services.api_keys import create_api_key
from apikeys.services.revocation import revoke_api_keys
from apikeys.services.rotation import rotate_api_key
from audit.log import verify
from audit.models import Event
from config import profiles
from config.wire.errors import Conflict, NotAllowed, NotFound
from tests.accounts.helpers import at_once, caller_as, longest_list
from tests.conftest import PASSWORD, Api, Cast, add_user, as_user, assert_problem, log_in, make_key, with_key

SCOPES = list(profiles.active().scopes)
GATEWAY = {"X-Original-Method": "GET", "X-Original-URI": "/services/stock/items"}


def path(user: User) -> str:
    return f"users/{user.uuid}"


@pytest.mark.requirement(37)
def test_a_deleted_person_is_refused_with_whatever_they_held(cast: Cast, operator: Caller) -> None:
    ada, pair = as_user(cast.ada), log_in(cast.bob)
    own = [make_key(cast.bob, "services:write") for _ in range(3)]
    acmes = make_key(cast.acme, "services:read")
    bob = Api({"Authorization": f"Bearer {pair['access_token']}"})
    answer = ada.delete(path(cast.bob))
    assert (answer.status_code, answer.content) == (204, b"")
    for api in (bob, *map(with_key, own)):
        assert_problem(api.get("auth/me"), 401, "invalid_token")
        assert_problem(api.get("/gateway/check", headers=GATEWAY), 401, "invalid_token")
    assert_problem(Api().post("auth/refresh", {"refresh_token": pair["refresh_token"]}), 401, "invalid_token")
    login = {"username": "bob", "password": PASSWORD}
    assert_problem(Api().post("auth/login", login), 401, "invalid_credentials")
    assert_problem(ada.get(path(cast.bob)), 404, "not_found")
    left = [table.objects.filter(user_id=cast.bob.pk) for table in (ApiKey, Session, Membership)]
    assert not any(rows.exists() for rows in left)
    assert with_key(acmes).get("scopes").status_code == 200


def test_a_deletion_is_one_event_that_says_how_many_keys_went_along(cast: Cast) -> None:
    for _ in range(3):
        make_key(cast.bob)
    ada, before = as_user(cast.ada), Event.objects.latest("sequence").sequence
    ada.delete(path(cast.bob))
    event = Event.objects.filter(sequence__gt=before).exclude(name="login:succeeded").get()
    assert (event.name, event.target_id, event.target_label) == ("user:deleted", str(cast.bob.uuid), "bob")
    assert event.detail == {"role": "member", "api_keys": 3}
    assert (event.actor_label, verify().faults) == ("ada", [])


def test_nobody_deletes_their_own_account(cast: Cast) -> None:
    eve = add_user("eve", "admin")
    for api in (as_user(eve), with_key(make_key(eve, *SCOPES))):
        problem = assert_problem(api.delete(path(eve)), 409, "conflict")
        assert "your own account" in problem["detail"]
    assert User.objects.filter(pk=eve.pk).exists()


@pytest.mark.requirement(51)
def test_the_last_administrator_is_not_deleted_demoted_or_deactivated(cast: Cast, operator: Caller) -> None:
    with pytest.raises(Conflict):
        delete_user(caller=operator, user=cast.ada)
    ada = as_user(cast.ada)
    assert_problem(ada.patch(path(cast.ada), {"role": "member"}), 409, "conflict", "role")
    assert_problem(ada.patch(path(cast.ada), {"is_active": False}), 409, "conflict", "is_active")
    eve = add_user("eve", "admin")
    assert as_user(eve).delete(path(cast.ada)).status_code == 204
    assert list(User.objects.filter(role="admin")) == [eve]


@pytest.mark.django_db(transaction=True)
@pytest.mark.requirement(51)
def test_when_administrators_delete_one_another_at_once_one_is_left(operator: Caller) -> None:
    people = [add_user(f"admin{number}", "admin") for number in range(6)]
    callers = [caller_as(user) for user in people]

    def delete_the_next(number: int) -> None:
        with suppress(Conflict, NotFound):
            delete_user(caller=callers[number], user=people[(number + 1) % 6])

    at_once(delete_the_next, times=6)
    assert User.objects.filter(role="admin").count() >= 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.requirement(51)
def test_when_administrators_delete_all_others_at_once_one_is_left(operator: Caller) -> None:
    people = [add_user(f"admin{number}", "admin") for number in range(4)]
    callers = [caller_as(user) for user in people]

    def delete_the_others(number: int) -> bool:
        others = [user for user in reversed(people) if user != people[number]]
        try:
            delete_users(caller=callers[number], selected=others)
        except (Conflict, NotFound):
            return False
        return True

    done = at_once(delete_the_others, times=4)
    assert User.objects.filter(role="admin").count() >= 1
    assert Event.objects.filter(name="user:deleted").count() == 3 * done.count(True)


def test_people_are_deleted_only_if_all_of_them_may_go(cast: Cast, operator: Caller) -> None:
    with pytest.raises(Conflict):
        delete_users(caller=operator, selected=[cast.bob, cast.ada, cast.mallory])
    assert User.objects.filter(pk__in=[cast.ada.pk, cast.bob.pk, cast.mallory.pk]).count() == 3
    assert not Event.objects.filter(name="user:deleted").exists()


@pytest.mark.django_db(transaction=True)
def test_a_key_for_a_person_who_is_deleted_meanwhile_does_not_remain(operator: Caller) -> None:
    def race(number: int) -> str:
        try:
            if number == 0:
                delete_user(caller=operator, user=person)
            else:
                create_api_key(caller=operator, name="k", owner=person)
        except NotFound:
            return "gone"
        return "done"

    for attempt in range(5):
        person = add_user(f"person{attempt}")
        assert at_once(race, times=4)[0] == "done"
    assert not ApiKey.objects.exists()


def test_who_vanished_before_the_change_is_404(cast: Cast, operator: Caller) -> None:
    delete_user(caller=operator, user=cast.bob)
    for call in (delete_user, lambda **who: update_user(changes=UserChanges(name="x"), **who)):
        with pytest.raises(NotFound):
            call(caller=operator, user=User(pk=cast.bob.pk, email="bob@example.org"))


@pytest.mark.parametrize("name", ["audrey", "alice", "mallory"])
@pytest.mark.requirement(50)
def test_only_managers_of_people_may_delete_people(cast: Cast, name: str) -> None:
    with pytest.raises(NotAllowed):
        delete_user(caller=caller_as(getattr(cast, name)), user=cast.bob)
    assert User.objects.filter(pk=cast.bob.pk).exists()


@pytest.mark.parametrize("is_person", [True, False])
def test_no_statement_of_a_deletion_names_more_keys_than_fit_into_one(
    cast: Cast, operator: Caller, is_person: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = cast.bob if is_person else cast.acme
    for _ in range(3):
        rotate_api_key(caller=operator, key=make_key(owner).row, expires_at=None)
    revoke_api_keys(caller=operator, selected=ApiKey.objects.all())
    monkeypatch.setattr("config.database.rows.MOST_AT_ONCE", 2)
    with CaptureQueriesContext(connection) as captured:
        if is_person:
            delete_user(caller=operator, user=cast.bob)
        else:
            delete_organization(caller=operator, organization=cast.acme)
    assert longest_list(captured) == 2
    assert not ApiKey.objects.exists()
