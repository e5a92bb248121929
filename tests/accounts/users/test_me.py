"""GET auth/me: whose token, or key, is this?"""

import pytest

from access.principals import Caller
from accounts.organizations.services import add_member
from tests.conftest import Api, Cast, as_user, assert_problem, log_in, make_key, with_key


def test_a_person_sees_themselves_and_the_role_in_each_organization(cast: Cast, operator: Caller) -> None:
    add_member(caller=operator, organization=cast.umbrella, user=cast.alice, role="developer")
    me = as_user(cast.alice).get("auth/me").json()
    assert list(me) == [
        "id",
        "username",
        "email",
        "name",
        "role",
        "is_active",
        "created_at",
        "organizations",
        "last_login_at",
        "language",
        "time_zone",
        "notifications",
    ]
    assert (me["id"], me["username"], me["role"]) == (str(cast.alice.uuid), "alice", "member")
    assert {(item["name"], item["role"]) for item in me["organizations"]} == {
        ("Acme", "owner"),
        ("Umbrella", "developer"),
    }
    assert me["last_login_at"].endswith("Z")


def test_a_key_of_a_person_says_whose_it_is(cast: Cast) -> None:
    me = with_key(make_key(cast.mallory, "services:read")).get("auth/me").json()
    assert me["id"] == str(cast.mallory.uuid)
    assert me["organizations"] == []
    assert me["last_login_at"] is None


def test_a_key_of_an_organization_is_nobody(cast: Cast) -> None:
    problem = assert_problem(with_key(make_key(cast.acme, "services:read")).get("auth/me"), 404, "not_found")
    assert "organization" in problem["detail"]


def test_nobody_is_nobody(anonymous: Api) -> None:
    assert_problem(anonymous.get("auth/me"), 401, "not_authenticated")


@pytest.mark.requirement(49)
def test_no_answer_holds_a_hash_or_a_digest(cast: Cast) -> None:
    alice = as_user(cast.alice)
    answers = [
        alice.get("auth/me").content.decode(),
        str(log_in(cast.alice)),
        alice.get("api-keys").content.decode(),
    ]
    for answer in answers:
        assert "argon2" not in answer
        assert "digest" not in answer
        assert cast.alice.password not in answer
