"""What is taken from a person is gone on their next request."""

import pytest

from access.principals import Caller
from accounts.models import Membership, Session, User
from accounts.organizations.services import add_member, change_member_role, remove_member
from accounts.users.changes import UserChanges
from accounts.users.services import set_password, update_user
from tests.conftest import PASSWORD, Api, Cast, add_user, as_user, assert_problem, log_in, make_key, with_key

SERVICES = {"X-Original-Method": "POST", "X-Original-URI": "/services/stock/items"}


def deactivate(operator: Caller, user: User) -> None:
    update_user(caller=operator, user=user, changes=UserChanges(is_active=False))


def reactivate(operator: Caller, user: User) -> None:
    update_user(caller=operator, user=user, changes=UserChanges(is_active=True))


def in_the_admin(user: User) -> Api:
    """A browser that has logged in to the admin."""
    browser = Api()
    form = {"username": user.username, "password": PASSWORD}
    assert browser.client.post("/admin/login/?next=/admin/", form).status_code == 302
    assert browser.get("/admin/").status_code == 200
    return browser


@pytest.mark.requirement(33)
def test_a_changed_global_role_holds_on_the_next_request(cast: Cast, operator: Caller) -> None:
    audrey = as_user(cast.audrey)
    assert audrey.get("audit").status_code == 200
    update_user(caller=operator, user=cast.audrey, changes=UserChanges(role="member"))
    assert_problem(audrey.get("audit"), 403, "not_allowed")
    update_user(caller=operator, user=cast.audrey, changes=UserChanges(role="auditor"))
    assert audrey.get("audit").status_code == 200


@pytest.mark.requirement(33)
def test_a_changed_role_in_an_organization_holds_on_the_next_request(cast: Cast, operator: Caller) -> None:
    alice = as_user(cast.alice)
    assert alice.get("audit").status_code == 200
    membership = Membership.objects.get(user=cast.alice)
    change_member_role(caller=operator, membership=membership, role="developer")
    assert_problem(alice.get("audit"), 403, "not_allowed")


@pytest.mark.requirement(33)
def test_a_removed_member_is_out_on_the_next_request(cast: Cast, operator: Caller) -> None:
    bob = as_user(cast.bob)
    assert bob.get("/gateway/check", headers=SERVICES).status_code == 200
    remove_member(caller=operator, membership=Membership.objects.get(user=cast.bob))
    assert_problem(bob.get("/gateway/check", headers=SERVICES), 403, "insufficient_scope")


@pytest.mark.requirement(33)
def test_a_former_superuser_may_do_nothing_more(cast: Cast, operator: Caller) -> None:
    update_user(caller=operator, user=cast.mallory, changes=UserChanges(is_superuser=True))
    mallory = as_user(cast.mallory)
    assert mallory.get("audit").status_code == 200
    update_user(caller=operator, user=cast.mallory, changes=UserChanges(is_superuser=False))
    assert_problem(mallory.get("audit"), 403, "not_allowed")


@pytest.mark.requirement(33)
def test_a_new_role_does_not_wait_for_a_new_login_either(cast: Cast, operator: Caller) -> None:
    mallory = as_user(cast.mallory)
    assert_problem(mallory.get("/gateway/check", headers=SERVICES), 403)
    add_member(caller=operator, organization=cast.acme, user=cast.mallory, role="developer")
    assert mallory.get("/gateway/check", headers=SERVICES).status_code == 200


@pytest.mark.requirement(37)
def test_a_deactivated_person_is_refused_with_whatever_they_hold(cast: Cast, operator: Caller) -> None:
    pair, key = log_in(cast.alice), make_key(cast.alice, "services:write")
    session = Api({"Authorization": f"Bearer {pair['access_token']}"})
    deactivate(operator, cast.alice)
    assert_problem(session.get("auth/me"), 401, "invalid_token")
    assert_problem(session.get("/gateway/check", headers=SERVICES), 401, "invalid_token")
    assert_problem(Api().post("auth/refresh", {"refresh_token": pair["refresh_token"]}), 401, "invalid_token")
    assert_problem(with_key(key).get("auth/me"), 401, "invalid_token")
    assert_problem(with_key(key).get("/gateway/check", headers=SERVICES), 401, "invalid_token")
    again = {"username": "alice", "password": PASSWORD}
    assert_problem(Api().post("auth/login", again), 401, "invalid_credentials")


@pytest.mark.requirement(37)
def test_reactivating_revives_no_session(cast: Cast, operator: Caller) -> None:
    pair = log_in(cast.alice)
    deactivate(operator, cast.alice)
    reactivate(operator, cast.alice)
    session = Api({"Authorization": f"Bearer {pair['access_token']}"})
    assert_problem(session.get("auth/me"), 401, "invalid_token")
    assert_problem(Api().post("auth/refresh", {"refresh_token": pair["refresh_token"]}), 401, "invalid_token")
    assert as_user(cast.alice).get("auth/me").status_code == 200


@pytest.mark.requirement(37)
def test_reactivating_revives_no_browser_in_the_admin_either(cast: Cast, operator: Caller) -> None:
    add_user("eve", "admin")
    browser = in_the_admin(cast.ada)
    deactivate(operator, cast.ada)
    reactivate(operator, cast.ada)
    assert browser.get("/admin/").status_code == 302
    assert in_the_admin(cast.ada)


@pytest.mark.requirement(37)
def test_the_keys_of_an_organization_outlive_their_makers(cast: Cast, operator: Caller) -> None:
    made = as_user(cast.alice).post(
        "api-keys",
        {"name": "CI", "scopes": ["services:write"], "organization": str(cast.acme.uuid)},
    )
    deactivate(operator, cast.alice)
    program = with_key(made.json()["key"])
    assert program.get("/gateway/check", headers=SERVICES).status_code == 200


def test_a_person_deactivated_in_the_database_itself_gets_no_new_tokens(cast: Cast) -> None:
    pair = log_in(cast.alice)
    User.objects.filter(pk=cast.alice.pk).update(is_active=False)
    assert_problem(Api().post("auth/refresh", {"refresh_token": pair["refresh_token"]}), 401, "invalid_token")


def test_a_new_password_ends_every_session(cast: Cast, operator: Caller) -> None:
    add_user("eve", "admin")
    pair, browser = log_in(cast.ada), in_the_admin(cast.ada)
    set_password(caller=operator, user=cast.ada, password="another walk to another lighthouse")
    session = Api({"Authorization": f"Bearer {pair['access_token']}"})
    assert_problem(session.get("auth/me"), 401, "invalid_token")
    assert_problem(Api().post("auth/refresh", {"refresh_token": pair["refresh_token"]}), 401, "invalid_token")
    assert browser.get("/admin/").status_code == 302
    assert not Session.objects.filter(user=cast.ada, ended_at__isnull=True).exists()
