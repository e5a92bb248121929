"""The OpenAPI document promises what the server does: found by requests that were generated from it."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator

from accounts.passwords.rules import least_length
from config import profiles
from config.profiles import Profile
from tests.accounts.helpers import serving
from tests.config.profile_texts import profile_called
from tests.config.wire.openapi.test_openapi import schema
from tests.conftest import Cast, as_user
from tests.oauth.flow import Flow, make_client, with_token

pytestmark = pytest.mark.once


@pytest.mark.parametrize(("name", "is_bare"), [("keyhouse", False), ("dariet", True)])
def test_a_time_without_an_offset_is_not_called_a_date_time(
    name: str, is_bare: bool, served_profile: Callable[[Profile], None]
) -> None:
    served_profile(profile_called(name))
    document = schema()
    create = document["paths"][f"{profiles.active().base_path}/api-keys"]["post"]
    sent, made = (
        document["components"]["schemas"][
            form["content"]["application/json"]["schema"]["$ref"].split("/")[-1]
        ]
        for form in (create["requestBody"], create["responses"]["201"])
    )
    written = made["properties"]["created_at"]
    assert ("format" not in written, "pattern" in written) == (is_bare, is_bare)
    assert sent["properties"]["expires_at"]["format"] == "date-time"


@pytest.mark.parametrize(("name", "status"), [("keyhouse", "204"), ("sentrikat", "200")])
def test_the_document_says_what_a_logout_answers(
    name: str, status: str, served_profile: Callable[[Profile], None]
) -> None:
    served_profile(profile_called(name))
    described = schema()["paths"][f"{profiles.active().base_path}/auth/logout"]["post"]["responses"]
    assert list(described) == [status, "default"]
    assert ("content" in described[status]) == (status == "200")


@pytest.mark.parametrize("takes", ["refresh_token", "access_token"])
def test_the_document_says_whether_a_refresh_needs_an_access_token(takes: str) -> None:
    with serving("login", refresh_takes=takes):
        described = schema()["paths"]["/api/v1/auth/refresh"]["post"]
    assert bool(described["security"]) == (takes == "access_token")


def parameter(document: dict[str, Any], method: str, path: str, name: str) -> dict[str, Any]:
    operation = document["paths"][f"/api/v1/{path}"][method]
    form: dict[str, Any] = next(each["schema"] for each in operation["parameters"] if each["name"] == name)
    return form


@pytest.mark.parametrize(
    ("value", "is_good"),
    [("*", True), ('"5f3a", W/"9c"', True), ("", False), ("5f3a", False), ('"5f3a', False), ("*, *", False)],
)
def test_the_document_says_which_if_match_can_be_read(value: str, is_good: bool, cast: Cast) -> None:
    pattern = parameter(schema(), "patch", "auth/me", "If-Match")["pattern"]
    assert bool(re.search(pattern, value)) == is_good
    answer = as_user(cast.ada).patch("auth/me", {"name": "Ada"}, headers={"If-Match": value})
    assert (answer.status_code != 400) == is_good


def test_the_document_says_which_page_sizes_can_be_read(cast: Cast) -> None:
    form = parameter(schema(), "get", "api-keys", "page_size")
    api = as_user(cast.ada)
    sizes = (form["minimum"] - 1, form["minimum"], form["maximum"])
    answers = [api.get(f"api-keys?page_size={size}").status_code for size in sizes]
    assert answers == [400, 200, 200]


def test_the_document_says_which_texts_may_not_be_empty() -> None:
    forms = schema()["components"]["schemas"]
    wanted = {"token": 1, "new_password": least_length()}
    assert {name: each.get("minLength") for name, each in _strings(forms, "reset_password")} == wanted
    assert dict(_strings(forms, "change_me"))["name"].get("minLength") is None  # "" removes the name


def test_a_text_in_a_response_may_be_empty(cast: Cast) -> None:
    form = schema()["components"]["schemas"]["Session"]["properties"]["device"]
    assert as_user(cast.ada).get("auth/sessions").json()["results"][0]["device"] == ""
    assert "minLength" not in form


def _strings(forms: dict[str, Any], operation: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The members of what an operation takes that are strings."""
    sent = next(
        each["requestBody"]
        for operations in schema()["paths"].values()
        for each in operations.values()
        if each["operationId"] == operation
    )
    name = sent["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    yield from ((k, v) for k, v in forms[name]["properties"].items() if v.get("type") == "string")


@pytest.mark.parametrize("scope", ["openid", "groups"])
def test_the_document_requires_no_member_that_a_scope_hides(scope: str, cast: Cast) -> None:
    answer = with_token(Flow(make_client(scope), cast.alice, scope=scope).tokens()).get("auth/me").json()
    forms = schema()["components"]["schemas"]
    assert set(forms["Me"].get("required", ())) <= answer.keys()
    for membership in answer.get("organizations", ()):
        assert set(forms["Membership"].get("required", ())) <= membership.keys()


@pytest.mark.parametrize(
    ("member", "value"),
    [
        *(("language", "de"), ("language", ""), ("language", "fr")),
        *(("notifications", ["expiring"]), ("notifications", ["leaked"])),
    ],
)
def test_the_document_says_which_words_people_may_choose(member: str, value: Any, cast: Cast) -> None:
    document = schema()
    described = document["components"]["schemas"]["ChangeMeRequest"]
    form = OAS31Validator({**described, "components": document["components"]})
    answer = as_user(cast.ada).patch("auth/me", {member: value})
    assert (answer.status_code == 200) == form.is_valid({member: value})
