"""A person who must have a second factor holds nothing until they log in with one."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from access.principals import Caller, Credential
from accounts.models import User
from accounts.users.changes import UserChanges
from accounts.users.principals import principal_of
from accounts.users.services import update_user, update_users
from audit.models import Event
from config import profiles
from config.profiles import Profile
from config.wire.errors import Conflict, NotAllowed
from tests.accounts.authenticator import App, enrolled, logged_in
from tests.accounts.helpers import caller_as
from tests.conftest import PASSWORD, Cast, add_user, as_user, assert_problem, make_key, with_key
from tests.every_profile.speaker import Speaker

CHECK = {"X-Original-Method": "GET", "X-Original-URI": "/services/stock"}


@pytest.fixture
def marked(cast: Cast, operator: Caller) -> None:
    changes = UserChanges(must_have_second_factor=True)
    update_users(caller=operator, selected=[cast.alice, cast.ada], changes=changes)


def test_without_one_nothing_is_allowed_but_to_add_one(cast: Cast, marked: None) -> None:
    for user, path in ((cast.alice, "api-keys"), (cast.ada, "users"), (cast.ada, "audit")):
        assert_problem(as_user(user).get(path), 403, "second_factor_required")
    api = as_user(cast.alice)
    assert_problem(api.post("api-keys", {"name": "x", "scopes": []}), 403, "second_factor_required")
    assert api.get("/gateway/check", headers=CHECK).status_code == 403
    unproven = principal_of(
        User.objects.get(pk=cast.alice.pk), Credential("jwt", str(uuid4())), second_factor=False
    )
    assert unproven.roles == unproven.places[cast.acme.pk].roles == frozenset()
    app = App(api.post("auth/totp", {"password": PASSWORD}).json()["secret"], [])
    assert api.post("auth/totp/confirm", {"code": app.code()}).status_code == 200
    assert api.get("api-keys").status_code == 200
    assert api.get("/gateway/check", headers=CHECK).status_code == 200


@pytest.mark.parametrize(("name", "uri"), [("dariet", "/api/reports"), ("sequenceware", "/v1/runs")])
def test_not_even_a_row_of_the_gateway_that_asks_for_no_role_and_no_scope(
    name: str, uri: str, db: None, served_profile: Callable[[Profile], None], operator: Caller
) -> None:
    product = profiles.load(name)
    served_profile(product)
    speaker, user = Speaker(product), add_user("vi", "viewer")
    assert speaker.ask_gateway("GET", uri, speaker.token_of(user)) == 200
    update_user(caller=operator, user=user, changes=UserChanges(must_have_second_factor=True))
    assert speaker.ask_gateway("GET", uri, speaker.token_of(user)) == 403


def test_with_one_it_is_as_before(cast: Cast, marked: None) -> None:
    assert logged_in(cast.alice, enrolled(cast.alice)).get("api-keys").status_code == 200


def test_it_takes_effect_on_existing_sessions_and_leaves_keys_alone(cast: Cast, operator: Caller) -> None:
    api, key = as_user(cast.alice), with_key(make_key(cast.alice, "keys:read"))
    assert (api.get("api-keys").status_code, key.get("api-keys").status_code) == (200, 200)
    update_user(caller=operator, user=cast.alice, changes=UserChanges(must_have_second_factor=True))
    assert (api.get("api-keys").status_code, key.get("api-keys").status_code) == (403, 200)
    update_user(caller=operator, user=cast.alice, changes=UserChanges(must_have_second_factor=False))
    assert api.get("api-keys").status_code == 200
    names = [event.name for event in Event.objects.filter(name__startswith="second_factor:")]
    assert names == ["second_factor:waived", "second_factor:required"]


def test_a_person_who_would_not_gain_anything_is_told_that_they_may_not(cast: Cast, operator: Caller) -> None:
    update_user(caller=operator, user=cast.mallory, changes=UserChanges(must_have_second_factor=True))
    assert_problem(as_user(cast.mallory).get("users"), 403, "not_allowed")


@pytest.mark.requirement(50)
def test_nobody_marks_those_above_them_and_of_several_none_is_marked(cast: Cast) -> None:
    manager = add_user("other", "auditor")
    with pytest.raises(NotAllowed):
        update_users(
            caller=caller_as(manager), selected=[cast.bob], changes=UserChanges(must_have_second_factor=True)
        )
    cast.bob.refresh_from_db()
    assert not cast.bob.must_have_second_factor


@pytest.mark.requirement(51)
def test_of_several_people_all_are_deactivated_or_none(cast: Cast, operator: Caller) -> None:
    with pytest.raises(Conflict):
        update_users(caller=operator, selected=[cast.bob, cast.ada], changes=UserChanges(is_active=False))
    cast.bob.refresh_from_db()
    assert cast.bob.is_active
    assert not Event.objects.filter(name="user:deactivated").exists()
    assert (
        update_users(caller=operator, selected=[cast.bob, cast.mallory], changes=UserChanges(is_active=False))
        == 2
    )
