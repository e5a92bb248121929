"""What people do for themselves: change their name and password, list their logins and end them."""

import pytest

from accounts.models import Session, User
from accounts.sessions.services import log_in as open_session
from audit.models import Event
from tests.accounts.helpers import ago, at_once
from tests.conftest import PASSWORD, Api, Cast, add_user, as_user, assert_problem, log_in, make_key, with_key

NEW = "another walk to another lighthouse"
CHANGE = {"current_password": PASSWORD, "new_password": NEW}


def in_session(pair: dict[str, str]) -> Api:
    return Api({"Authorization": f"Bearer {pair['access_token']}"})


def refresh(pair: dict[str, str]) -> int:
    status: int = Api().post("auth/refresh", {"refresh_token": pair["refresh_token"]}).status_code
    return status


def logged_in(user: User, device: str) -> Api:
    """A login with this User-Agent."""
    body = {"username": user.username, "password": PASSWORD}
    answer = Api({"User-Agent": device}).post("auth/login", body)
    return in_session(answer.json())


def test_people_change_their_own_name(cast: Cast) -> None:
    bob = as_user(cast.bob)
    assert bob.patch("auth/me", {"name": " Robert "}).json()["name"] == "Robert"
    assert bob.get("auth/me").json()["name"] == "Robert"
    event = Event.objects.latest("sequence")
    assert (event.name, event.actor_label, event.target_label) == ("user:changed", "bob", "bob")
    bob.patch("auth/me", {"name": "Robert"})
    assert Event.objects.latest("sequence") == event
    assert bob.patch("auth/me", {"name": ""}).json()["name"] == ""


@pytest.mark.parametrize("body", [{"name": None}, {"name": 7}, {"name": "a\nb"}, {"name": "x" * 101}])
def test_an_invalid_name_is_400(cast: Cast, body: dict[str, object]) -> None:
    assert_problem(as_user(cast.bob).patch("auth/me", body), 400, "invalid", "name")


@pytest.mark.requirement(38)
def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(cast: Cast) -> None:
    here, there = log_in(cast.bob), log_in(cast.bob)
    answer = in_session(here).post("auth/change-password", CHANGE)
    assert (answer.status_code, answer.content) == (204, b"")
    assert in_session(here).get("auth/me").status_code == 200
    assert_problem(in_session(there).get("auth/me"), 401, "invalid_token")
    assert (refresh(here), refresh(there)) == (200, 401)
    login = {"username": "bob", "password": PASSWORD}
    assert_problem(Api().post("auth/login", login), 401, "invalid_credentials")
    assert Api().post("auth/login", {**login, "password": NEW}).status_code == 200


@pytest.mark.requirement(38)
def test_a_new_password_ends_browsers_in_the_admin(cast: Cast) -> None:
    browser = Api()
    browser.client.post("/admin/login/?next=/admin/", {"username": "alice", "password": PASSWORD})
    assert browser.get("/admin/").status_code == 200
    assert as_user(cast.alice).post("auth/change-password", CHANGE).status_code == 204
    assert browser.get("/admin/").status_code == 302


def test_a_new_password_leaves_the_keys_alone(cast: Cast) -> None:
    key = make_key(cast.bob, "services:read")
    as_user(cast.bob).post("auth/change-password", CHANGE)
    assert with_key(key).get("auth/me").status_code == 200


@pytest.mark.parametrize("current", ["something else", PASSWORD.upper(), f"{PASSWORD} ", NEW])
@pytest.mark.requirement(7)
def test_without_the_current_password_nothing_changes(cast: Cast, current: str) -> None:
    bob, other = as_user(cast.bob), log_in(cast.bob)
    body = {"current_password": current, "new_password": NEW}
    assert_problem(bob.post("auth/change-password", body), 400, "invalid", "current_password")
    assert User.objects.get(pk=cast.bob.pk).password == cast.bob.password
    assert refresh(other) == 200
    event = Event.objects.get(name="password:refused")
    assert (event.actor_label, event.target_id) == ("bob", str(cast.bob.uuid))
    assert current not in str(event.detail)


@pytest.mark.parametrize("current", [None, "", 7, ["x"], "x" * 1025])
@pytest.mark.requirement(7)
def test_a_current_password_that_is_missing_or_no_text_is_400(cast: Cast, current: object) -> None:
    bob = as_user(cast.bob)
    body = {"current_password": current, "new_password": NEW}
    assert_problem(bob.post("auth/change-password", body), 400, "invalid", "current_password")
    assert_problem(
        bob.post("auth/change-password", {"new_password": NEW}), 400, "invalid", "current_password"
    )


@pytest.mark.parametrize("new", ["short", "passwordpassword", "bob bob bob bob@example.org", "x" * 1025])
@pytest.mark.requirement(5)
def test_a_bad_new_password_is_400_and_named(cast: Cast, new: str) -> None:
    bob = as_user(cast.bob)
    body = {"current_password": PASSWORD, "new_password": new}
    assert_problem(bob.post("auth/change-password", body), 400, "invalid", "new_password")
    assert User.objects.get(pk=cast.bob.pk).password == cast.bob.password


def test_a_key_changes_no_password_and_sees_no_sessions(cast: Cast) -> None:
    program = with_key(make_key(cast.ada, "users:write"))
    for method, path, body in (
        (program.post, "auth/change-password", CHANGE),
        (program.post, "auth/logout-everywhere", None),
        (program.patch, "auth/me", {"name": "x"}),
    ):
        assert_problem(method(path, body), 403, "not_allowed")
    assert_problem(program.get("auth/sessions"), 403, "not_allowed")


@pytest.mark.django_db(transaction=True)
def test_when_four_change_the_same_password_at_once_one_wins(transactional_db: None) -> None:
    user = add_user("dora")
    logins = [as_user(user) for _ in range(4)]
    wanted = [f"{NEW} number {number}" for number in range(4)]

    def change(number: int) -> int:
        body = {"current_password": PASSWORD, "new_password": wanted[number]}
        status: int = logins[number].post("auth/change-password", body).status_code
        return status

    statuses = at_once(change, times=4)
    assert statuses.count(204) == 1
    assert set(statuses) <= {204, 400, 401}
    assert Session.objects.filter(user=user, ended_at=None).count() == 1
    login = {"username": "dora", "password": wanted[statuses.index(204)]}
    assert Api().post("auth/login", login).status_code == 200


# Sessions


@pytest.mark.requirement(34)
def test_people_see_where_they_are_logged_in(cast: Cast) -> None:
    phone, laptop = logged_in(cast.bob, "phone"), logged_in(cast.bob, "laptop")
    as_user(cast.alice)
    found = phone.get("auth/sessions").json()["results"]
    assert [list(session) for session in found] == [
        ["id", "device", "ip", "created_at", "last_seen_at", "expires_at", "current"]
    ] * 2
    assert [(each["device"], each["current"]) for each in found] == [("laptop", False), ("phone", True)]
    assert [each["current"] for each in laptop.get("auth/sessions").json()["results"]] == [True, False]
    assert found[0]["ip"] == "127.0.0.1"
    assert found[0]["created_at"] == found[0]["last_seen_at"] and found[0]["expires_at"].endswith("Z")


@pytest.mark.requirement(34)
def test_people_end_a_session_of_theirs(cast: Cast) -> None:
    phone, laptop = logged_in(cast.bob, "phone"), logged_in(cast.bob, "laptop")
    lost = laptop.get("auth/sessions").json()["results"][1]
    assert laptop.delete(f"auth/sessions/{lost['id']}").status_code == 204
    assert_problem(phone.get("auth/me"), 401, "invalid_token")
    assert laptop.get("auth/me").status_code == 200
    assert_problem(laptop.delete(f"auth/sessions/{lost['id']}"), 404, "not_found")
    event = Event.objects.latest("sequence")
    assert (event.name, event.actor_label, event.target_id) == ("session:ended", "bob", lost["id"])
    own = laptop.get("auth/sessions").json()["results"][0]["id"]
    assert laptop.delete(f"auth/sessions/{own}").status_code == 204
    assert_problem(laptop.get("auth/me"), 401, "invalid_token")


@pytest.mark.requirement(46)
def test_nobody_ends_a_session_of_somebody_else_as_if_it_were_theirs(cast: Cast) -> None:
    alice = as_user(cast.alice)
    session = Session.objects.get(user=cast.alice)
    for user in (cast.bob, cast.charlie, cast.ada):
        assert_problem(as_user(user).delete(f"auth/sessions/{session.uuid}"), 404, "not_found")
    assert alice.get("auth/me").status_code == 200


@pytest.mark.requirement(34)
def test_an_administrator_sees_and_ends_anybodys_sessions(cast: Cast) -> None:
    ada, bob = as_user(cast.ada), logged_in(cast.bob, "phone")
    sessions = f"users/{cast.bob.uuid}/sessions"
    (found,) = ada.get(sessions).json()["results"]
    assert (found["device"], found["current"]) == ("phone", False)
    assert ada.delete(f"{sessions}/{found['id']}").status_code == 204
    assert_problem(bob.get("auth/me"), 401, "invalid_token")
    assert ada.get(sessions).json()["results"] == []
    event = Event.objects.latest("sequence")
    assert (event.name, event.actor_label, event.target_id) == ("session:ended", "ada", found["id"])


@pytest.mark.requirement(34)
def test_nobody_else_sees_or_ends_them(cast: Cast) -> None:
    bob = as_user(cast.bob)
    session = Session.objects.get(user=cast.bob)
    path = f"users/{cast.bob.uuid}/sessions"
    for user in (cast.audrey, cast.alice, cast.charlie, cast.mallory, cast.bob):
        assert_problem(as_user(user).get(path), 403, "not_allowed")
        assert_problem(as_user(user).delete(f"{path}/{session.uuid}"), 403, "not_allowed")
    elsewhere = f"users/{cast.alice.uuid}/sessions/{session.uuid}"
    assert_problem(as_user(cast.ada).delete(elsewhere), 404, "not_found")
    assert bob.get("auth/me").status_code == 200


@pytest.mark.requirement(50)
def test_nobody_ends_the_session_of_a_person_who_may_do_more(cast: Cast) -> None:
    audrey = as_user(cast.audrey)
    session = Session.objects.get(user=cast.audrey)
    manager = with_key(make_key(cast.ada, "users:write"))
    path = f"users/{cast.audrey.uuid}/sessions/{session.uuid}"
    assert_problem(manager.delete(path), 403, "not_allowed")
    assert audrey.get("auth/me").status_code == 200


@pytest.mark.requirement(36)
def test_logging_out_everywhere_ends_every_session_at_once(cast: Cast) -> None:
    pairs = [log_in(cast.bob) for _ in range(3)]
    other, browser = as_user(cast.alice), Api()
    form = {"username": "bob", "password": PASSWORD}
    browser.client.post("/admin/login/?next=/admin/", form)
    answer = in_session(pairs[1]).post("auth/logout-everywhere")
    assert (answer.status_code, answer.content) == (204, b"")
    for pair in pairs:
        assert_problem(in_session(pair).get("auth/me"), 401, "invalid_token")
        assert refresh(pair) == 401
    assert browser.get("/admin/").status_code == 302
    assert other.get("auth/me").status_code == 200
    event = Event.objects.latest("sequence")
    assert (event.name, event.target_id, event.detail) == (
        "session:ended",
        str(cast.bob.uuid),
        {"sessions": 4},
    )
    assert as_user(cast.bob).get("auth/me").status_code == 200


@pytest.mark.requirement(34)
def test_one_ends_all_other_sessions_and_keeps_this_one(cast: Cast) -> None:
    pairs = [log_in(cast.bob) for _ in range(3)]
    other, browser = as_user(cast.alice), Api()
    browser.client.post("/admin/login/?next=/admin/", {"username": "bob", "password": PASSWORD})
    assert in_session(pairs[1]).delete("auth/sessions").status_code == 204
    assert in_session(pairs[1]).get("auth/me").status_code == 200
    for pair in (pairs[0], pairs[2]):
        assert_problem(in_session(pair).get("auth/me"), 401, "invalid_token")
        assert refresh(pair) == 401
    assert browser.get("/admin/").status_code == 302
    assert other.get("auth/me").status_code == 200
    assert Event.objects.latest("sequence").detail == {"sessions": 3}


@pytest.mark.requirement(34)
def test_an_administrator_ends_all_sessions_of_somebody(cast: Cast) -> None:
    bob, alice = as_user(cast.bob), as_user(cast.alice)
    path = f"users/{cast.bob.uuid}/sessions"
    assert_problem(alice.delete(path), 403, "not_allowed")
    assert as_user(cast.ada).delete(path).status_code == 204
    assert_problem(bob.get("auth/me"), 401, "invalid_token")
    assert alice.get("auth/me").status_code == 200


@pytest.mark.requirement(32)
def test_a_session_that_is_over_by_itself_is_not_listed(cast: Cast) -> None:
    open_session(identifier="bob", password=PASSWORD, origin=ago(days=14, seconds=1))
    open_session(identifier="bob", password=PASSWORD, origin=ago(days=13))
    assert len(as_user(cast.bob).get("auth/sessions").json()["results"]) == 2


@pytest.mark.parametrize(
    "text", ["1", "-1", "x", "%00", "%20", "9" * 30, "00000000-0000-0000-0000-000000000000"]
)
@pytest.mark.requirement(95)
def test_what_is_no_session_is_404(cast: Cast, text: str) -> None:
    assert_problem(as_user(cast.bob).delete(f"auth/sessions/{text}"), 404, "not_found")
    ada = as_user(cast.ada)
    assert_problem(ada.get(f"users/{text}/sessions"), 404, "not_found")
    assert_problem(ada.delete(f"users/{cast.bob.uuid}/sessions/{text}"), 404, "not_found")
