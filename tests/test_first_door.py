"""The main job, end to end: log in, make a key, use it, revoke it."""

import pytest

from tests.conftest import Api, Cast, as_user, assert_problem, with_key

pytestmark = pytest.mark.slow


def test_a_person_logs_in_makes_a_key_uses_it_and_revokes_it(cast: Cast) -> None:
    alice = as_user(cast.alice)
    made = alice.post("api-keys", {"name": "CI", "scopes": ["services:read"]})
    assert made.status_code == 201, made.content
    key = made.json()
    original = {"X-Original-Method": "GET", "X-Original-URI": "/services/stock/items"}

    program = with_key(key["key"])
    assert program.get("/gateway/check", headers=original).status_code == 200

    assert alice.delete(f"api-keys/{key['id']}").status_code == 204
    assert_problem(program.get("/gateway/check", headers=original), 401, "invalid_token")


def test_nobody_gets_in_without_a_credential(anonymous: Api) -> None:
    problem = assert_problem(anonymous.get("api-keys"), 401, "not_authenticated")
    assert "access token" in problem["detail"]
