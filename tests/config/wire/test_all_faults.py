"""One answer names all faults of a request: missing, wrong, repeated and unknown members and parameters."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from apikeys.models import ApiKey
from config.profiles import Profile
from config.profiles.keys import ChoiceAttribute
from tests.accounts.helpers import serving
from tests.apikeys.profiles import changed
from tests.conftest import Api, Cast, as_user, assert_problem, make_key

pytestmark = pytest.mark.once

NEW_PERSON = {"username": "eve", "email": "eve@example.org", "password": "x" * 3, "role": "member"}


def faults(answer: Any) -> dict[str, str]:
    """Return what is wrong, by member. The detail says the same."""
    problem = assert_problem(answer, 400, "invalid")
    found = {error["member"]: error["detail"] for error in problem["errors"]}
    texts = [f"{member}: {text}" for member, text in found.items()]
    assert problem["detail"] == "; ".join([*(text.removesuffix(".") for text in texts[:-1]), texts[-1]])
    assert ".;" not in problem["detail"]
    return found


def send(api: Api, path: str, body: str) -> Any:
    return api.client.generic("POST", path, body, "application/json")


@pytest.mark.requirement(93)
def test_every_fault_of_a_new_key_is_named_at_once(cast: Cast) -> None:
    body = """{
        "name": 5, "environment": "moon", "scopes": ["services:read", "nope", "neither"],
        "expires_at": "2020-01-01T00:00:00Z", "allowed_networks": ["192.0.2.1", "here", 7],
        "rate_limit": {"requests": 0, "seconds": 1, "seconds": 2, "burst": 3},
        "expire": null, "name ": "x"
    }"""
    found = faults(send(as_user(cast.alice), "/api/v1/api-keys", body))
    assert list(found) == [
        "name",
        "scopes",
        "environment",
        "expires_at",
        "allowed_networks.1",
        "allowed_networks.2",
        "rate_limit.requests",
        "rate_limit.seconds",
        "rate_limit.burst",
        "expire",
        "name ",
    ]
    assert found["scopes"].startswith("'nope', 'neither' are not scopes; the scopes are: services:read")
    assert found["expires_at"] == "must be in the future"
    assert found["rate_limit.seconds"] == "is repeated; send it once"
    assert found["rate_limit.burst"] == "Unknown member. Known members: requests, seconds."
    assert not ApiKey.objects.exists()


def test_a_missing_member_is_named_beside_an_unknown_and_a_repeated_one(cast: Cast) -> None:
    body = '{"nam": "x", "environment": "live", "environment": "test"}'
    found = faults(send(as_user(cast.alice), "/api/v1/api-keys", body))
    assert list(found) == ["name", "environment", "nam"]


def test_an_expiry_that_the_profile_requires_is_missed_beside_other_faults(cast: Cast) -> None:
    with serving("keys", longest_days=30):
        found = faults(as_user(cast.alice).post("api-keys", {"nam": "x"}))
    assert list(found) == ["name", "expires_at", "nam"]
    assert found["expires_at"].endswith("the latest allowed expiry")


def test_every_fault_of_a_rotation_is_named_at_once(cast: Cast) -> None:
    body = {"overlap": "8d", "expires_at": "2020-01-01T00:00:00Z", "name": "x"}
    answer = as_user(cast.alice).post(f"api-keys/{make_key(cast.alice).row.uuid}/rotate", body)
    assert list(faults(answer)) == ["overlap", "expires_at", "name"]
    assert ApiKey.objects.count() == 1


def test_every_fault_of_a_login_is_named_at_once(anonymous: Api) -> None:
    found = faults(send(anonymous, "/api/v1/auth/login", '{"totp_code": 1, "totp": "1"}'))
    assert list(found) == ["username", "password", "totp_code", "totp"]
    both = '{"username": "a", "email": "a", "user": "a"}'
    assert list(faults(send(anonymous, "/api/v1/auth/login", both))) == ["username", "password", "user"]


@pytest.mark.requirement(93)
def test_every_fault_of_a_person_is_named_at_once(cast: Cast) -> None:
    ada, people = as_user(cast.ada), User.objects.count()
    wrong = {"username": "a b", "email": "nobody", "password": "short", "role": "king", "admin": True}
    assert list(faults(ada.post("users", wrong))) == ["username", "email", "password", "role", "admin"]
    assert list(faults(ada.patch(f"users/{cast.bob.uuid}", wrong))) == list(wrong)
    assert User.objects.count() == people


def test_a_value_that_the_row_already_has_is_no_fault(cast: Cast) -> None:
    User.objects.filter(pk=cast.bob.pk).update(email="bob", role="a role of an older version")
    body = {"email": "bob", "role": "a role of an older version", "name": "Bob"}
    assert as_user(cast.ada).patch(f"users/{cast.bob.uuid}", body).json()["name"] == "Bob"


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("auth/forgot-password", {"email": "x", "e": 1}, ["email", "e"]),
        ("auth/reset-password", {"new_password": "short", "t": 1}, ["token", "new_password", "t"]),
        ("auth/accept-invitation", {"name": "\u200b", "password": "short"}, ["token", "name", "password"]),
    ],
)
def test_strangers_are_told_all_faults_too(
    anonymous: Api, path: str, body: dict[str, Any], named: list[str]
) -> None:
    assert list(faults(anonymous.post(path, body))) == named


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("organizations", {"name": "", "n": 1}, ["name", "n"]),
        ("organizations/{acme.uuid}/members", {"role": "king", "u": 1}, ["user", "role", "u"]),
        ("organizations/{acme.uuid}/invitations", {"email": "x", "role": "king"}, ["email", "role"]),
        ("users/invitations", {"email": "x", "role": "king"}, ["email", "role"]),
        ("auth/change-password", {"new_password": "short"}, ["current_password", "new_password"]),
        ("auth/change-email", {"new_email": "x"}, ["new_email", "current_password"]),
        ("/gateway/introspect", {"tokens": [1], "token": "x", "client_ip": "y"}, ["tokens.0", "client_ip"]),
        ("/gateway/introspect", {"tokens": ["x"], "token": "x", "client_ip": "y"}, ["tokens", "client_ip"]),
    ],
)
def test_every_form_names_all_its_faults(
    cast: Cast, path: str, body: dict[str, Any], named: list[str]
) -> None:
    answer = as_user(cast.ada).post(path.format(**vars(cast)), body)
    assert list(faults(answer)) == named


@pytest.mark.parametrize("sent", ["laptop", "q" * 500_000, ["q" * 500_000], {"q": "q" * 500_000}, 1])
def test_an_attribute_with_another_value_is_told_the_right_ones_and_not_its_own(
    cast: Cast, served_profile: Callable[[Profile], None], sent: Any
) -> None:
    kind = ChoiceAttribute("what it is for", choices=("server", "client", "1"), default="server")
    served_profile(changed(keys={"attributes": {"kind": kind}}))
    answer = as_user(cast.ada).post("api-keys", {"name": "CI", "kind": sent})
    assert faults(answer) == {"kind": "Must be one of: server, client, 1."}
    assert len(answer.content) < 1_000


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("api-keys?x=1&y=2&page_size=0", ["x", "y", "page_size"]),
        ("users?is_active=maybe&role=a&role=b&x=1&cursor=cD14", ["is_active", "role", "x", "cursor"]),
        ("organizations?page_size=1&page_size=2&search=a&search=b", ["search", "page_size"]),
        ("auth/sessions?x=1&y=2&page_size=x", ["x", "y", "page_size"]),
        ("audit?event=nothing&since=yesterday&until=today", ["event", "since", "until"]),
        ("api-keys/{key}/usage?from=x&to=y&page_size=5", ["from", "to", "page_size"]),
    ],
)
def test_every_fault_of_a_query_is_named_at_once(cast: Cast, query: str, named: list[str]) -> None:
    address = query.format(key=make_key(cast.ada).row.uuid)
    assert sorted(faults(as_user(cast.ada).get(address))) == sorted(named)


def test_an_unknown_parameter_is_called_one(cast: Cast) -> None:
    found = faults(as_user(cast.ada).get("users?serach=x"))
    known = "search, role, is_active, ordering, cursor, page_size"
    assert found == {"serach": f"Unknown parameter. Known parameters: {known}."}


@pytest.mark.requirement(93)
def test_the_form_is_read_after_the_caller_and_their_right(cast: Cast, anonymous: Api) -> None:
    wrong = json.dumps({"nam": 1})
    assert_problem(send(anonymous, "/api/v1/users", wrong), 401, "not_authenticated")
    assert_problem(send(as_user(cast.bob), "/api/v1/users", wrong), 403, "not_allowed")


def test_what_needs_the_database_is_looked_up_for_a_right_form_only(cast: Cast) -> None:
    body = {**NEW_PERSON, "username": "bob", "email": cast.bob.email}
    assert list(faults(as_user(cast.ada).post("users", body))) == ["password"]
