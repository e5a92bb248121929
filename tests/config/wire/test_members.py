"""A profile's form of requests and answers, through the whole HTTP stack."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings

from access.principals import Caller
from config import profiles
from config.checks import check_wire
from config.profiles import Profile
from tests.config.profile_texts import DIALECT
from tests.conftest import PASSWORD, Api, Cast, assert_problem

pytestmark = pytest.mark.once

BASE = "/v2/product"


@pytest.fixture(autouse=True)
def dialect(served_profile: Callable[[Profile], None]) -> Profile:
    profile = profiles.parse(DIALECT, source="dialect.toml")
    served_profile(profile)
    return profile


@pytest.fixture
def alice(dialect: Profile, cast: Cast) -> Api:
    response = Api().post(f"{BASE}/auth/login", {"username": "alice", "password": PASSWORD})
    assert response.status_code == 200, response.content
    return Api({"Authorization": f"Bearer {response.json()['data']['accessToken']}"})


@pytest.fixture
def made(alice: Api) -> dict[str, Any]:
    """A key that alice made, as the API showed it."""
    body = {"name": "CI", "permissions": ["keys:read"], "expiry": "2999-01-01T00:00:00Z"}
    response = alice.post(f"{BASE}/api-keys", body)
    assert response.status_code == 201, response.content
    data: dict[str, Any] = response.json()["data"]
    return data


def test_the_dialect_passes_the_checks() -> None:
    assert check_wire(None) == []


def test_the_api_stands_at_the_profiles_base_path(alice: Api) -> None:
    assert alice.get(f"{BASE}/scopes").status_code == 200
    assert_problem(alice.get("/api/v1/scopes"), 404, "not_found")
    assert alice.get("/health").json() == {"status": "ok"}


def test_members_are_renamed_in_the_profiles_order(made: dict[str, Any]) -> None:
    assert list(made) == ["key", "id", "name", "expiry", "permissions"]
    assert made["key"].startswith("ex_live_")
    assert made["permissions"] == ["keys:read"]
    assert made["expiry"] == "2999-01-01T00:00:00Z"


def test_a_list_is_a_bare_array_in_the_envelope(alice: Api, made: dict[str, Any]) -> None:
    answer = alice.get(f"{BASE}/api-keys").json()
    assert list(answer) == ["data"]
    (key,) = answer["data"]
    assert list(key) == ["name", "id", "state", "permissions", "expiry", "lastUsedAt", "user"]
    assert (key["id"], key["state"], key["lastUsedAt"]) == (made["id"], "active", None)
    assert key["user"].startswith("usr_")


def test_the_next_page_of_an_array_is_in_a_link_header(alice: Api) -> None:
    for number in range(3):
        alice.post(f"{BASE}/api-keys", {"name": f"key {number}"})
    first = alice.get(f"{BASE}/api-keys?page_size=2")
    assert [key["name"] for key in first.json()["data"]] == ["key 2", "key 1"]
    address, _, relation = first.headers["Link"].partition("; ")
    assert relation == 'rel="next"'
    second = alice.get(address.strip("<>").removeprefix(settings.PUBLIC_URL))
    assert [key["name"] for key in second.json()["data"]] == ["key 0"]
    assert "Link" not in second.headers


def test_a_nested_answer_has_the_form_all_the_way_down(alice: Api, cast: Cast) -> None:
    me = alice.get(f"{BASE}/auth/me").json()["data"]
    assert list(me) == ["id", "email", "organizations"]
    (organization,) = me["organizations"]
    assert organization["id"].startswith("org_")
    login = Api().post(f"{BASE}/auth/login", {"email": "bob@example.org", "password": PASSWORD})
    assert list(login.json()["data"]["user"])[-2:] == ["isActive", "createdAt"]


def test_a_feed_of_events_goes_on_at_a_link_header_of_its_own(cast: Cast) -> None:
    login = Api().post(f"{BASE}/auth/login", {"username": "ada", "password": PASSWORD}).json()["data"]
    ada = Api({"Authorization": f"Bearer {login['accessToken']}"})
    first = ada.get(f"{BASE}/audit?after=&page_size=1")
    (event,) = first.json()["data"]
    address = first.headers["Link"].partition("; ")[0].strip("<>").removeprefix(settings.PUBLIC_URL)
    assert event["id"] not in [each["id"] for each in ada.get(address).json()["data"]]


def test_a_computed_member_may_have_another_name(cast: Cast) -> None:
    login = Api().post(f"{BASE}/auth/login", {"username": "ada", "password": PASSWORD}).json()["data"]
    ada = Api({"Authorization": f"Bearer {login['accessToken']}"})
    response = ada.get(f"{BASE}/audit")
    assert response.json()["data"][0]["who"]["label"] == "ada"
    assert response.json()["data"][0]["id"].startswith("evt_")


def test_errors_are_never_in_the_envelope_and_name_members_in_the_profiles_words(alice: Api) -> None:
    past = {"name": "x", "expiry": "2020-01-01T00:00:00Z"}
    problem = assert_problem(alice.post(f"{BASE}/api-keys", past), 400, "invalid", "expiry")
    assert problem["detail"].startswith("expiry: ")
    assert_problem(alice.post(f"{BASE}/api-keys", {"name": "x", "expiry": "x"}), 400, "invalid", "expiry")
    unknown = {"name": "x", "permissions": ["nope"]}
    assert_problem(alice.post(f"{BASE}/api-keys", unknown), 400, "invalid", "permissions")


@pytest.mark.parametrize("member", ["expires_at", "expiresAt", "scopes", "owner"])
def test_our_own_words_are_unknown_members_where_the_profile_has_others(alice: Api, member: str) -> None:
    assert_problem(alice.post(f"{BASE}/api-keys", {"name": "x", member: None}), 400, "invalid", member)


def test_etags_and_conditions_do_not_depend_on_the_profile(alice: Api, made: dict[str, Any]) -> None:
    path = f"{BASE}/api-keys/{made['id']}"
    tag = alice.get(path).headers["ETag"]
    assert alice.patch(path, {"name": "x"}, headers={"If-Match": tag}).json()["data"]["name"] == "x"
    refused = alice.patch(path, {"name": "y"}, headers={"If-Match": tag})
    assert_problem(refused, 412, "precondition_failed")
    assert refused.headers["ETag"] == alice.get(path).headers["ETag"] != tag


def test_what_has_no_body_has_no_envelope(alice: Api, made: dict[str, Any]) -> None:
    response = alice.delete(f"{BASE}/api-keys/{made['id']}")
    assert (response.status_code, response.content) == (204, b"")


def test_introspection_is_the_standards_in_every_profile(
    alice: Api, made: dict[str, Any], operator: Caller, cast: Cast
) -> None:
    login = Api().post(f"{BASE}/auth/login", {"username": "ada", "password": PASSWORD}).json()["data"]
    ada = Api({"Authorization": f"Bearer {login['accessToken']}"})
    assert ada.post("/gateway/introspect", {"token": "nothing"}).json() == {"active": False}
    assert ada.post("/gateway/introspect", {"token": made["key"]}).json()["active"] is True
