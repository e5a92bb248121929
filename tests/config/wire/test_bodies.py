"""CHECKLIST 93 and 94: bodies that two parsers could read differently, or that are wrong."""

import json
from typing import Any

import pytest

from apikeys.models import ApiKey
from tests.conftest import Api, Cast, as_user, assert_problem

pytestmark = pytest.mark.once

JSON = "application/json"
MIB = 1024 * 1024


@pytest.fixture
def alice(cast: Cast) -> Api:
    return as_user(cast.alice)


def post(api: Api, body: bytes, kind: str = JSON) -> Any:
    return api.client.generic("POST", "/api/v1/api-keys", body, kind)


@pytest.mark.parametrize(
    ("body", "member", "detail"),
    [
        (b'{"name": "a", "name": "b"}', "name", "is repeated; send it once"),
        (b'{"name": "a", "name": "a"}', "name", "is repeated; send it once"),
        (b'{"name": "a", "n\\u0061me": "b"}', "name", "is repeated; send it once"),
        (b'{"name": "a", "name": "b", "name": "c"}', "name", "is repeated; send it once"),
        (b'{"name": "a", "scopes": [{"x": 1, "x": 2}]}', "scopes.0", "Not a valid string."),
        (b'{"name": "a", "rate_limit": {"seconds": 1, "seconds": 1}}', "rate_limit.seconds", "is repeated"),
        (b'{"": 1, "": 2}', "", "Unknown member"),
        (b'{"\\ud800": 1, "\\ud800": 2}', "\\ud800", "Unknown member"),
    ],
)
@pytest.mark.requirement(94)
def test_a_repeated_member_is_refused(alice: Api, body: bytes, member: str, detail: str) -> None:
    problem = assert_problem(post(alice, body), 400, "invalid")
    assert f"{member}: {detail}".removeprefix(": ") in problem["detail"]
    assert not ApiKey.objects.exists()


@pytest.mark.requirement(94)
def test_a_repeated_member_is_found_among_very_many(anonymous: Api) -> None:
    members = ",".join(f'"{number}":0' for number in range(100_000))
    body = f'{{"password": "a", {members}, "password": "b"}}'
    response = anonymous.client.generic("POST", "/api/v1/auth/login", body, JSON)
    errors = assert_problem(response, 400, "invalid")["errors"]
    assert {"member": "password", "detail": "is repeated; send it once"} in errors


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{'name': 'a'}",
        b'{"name": "a"} {}',
        b'{"name": "a",}',
        b'{"name": "a"}//',
        b'{"name": NaN}',
        b'{"name": Infinity}',
        b'{"name": -Infinity}',
        '{"name": "a"}'.encode("utf-16"),
        '{"name": "ü"}'.encode("latin-1"),
        b'{"name": "\xed\xa0\x80"}',
        b'{"name": "\xc0\x80"}',
        b'{"name": "a\nb"}',
        b'{"name": "\x00"}',
        b"\x00",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"9" * 100_000,
        b"-",
        b"nul",
    ],
)
@pytest.mark.requirement(93)
def test_what_is_not_json_is_refused(alice: Api, body: bytes) -> None:
    assert_problem(post(alice, body), 400, "parse_error")
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("body", [b"[]", b'"name"', b"1", b"true", b"null", b"", b'[{"name": "a"}]'])
@pytest.mark.requirement(93)
def test_json_that_is_not_an_object_is_refused(alice: Api, body: bytes) -> None:
    problem = assert_problem(post(alice, body), 400, "invalid")
    assert problem["detail"] == ("Send a JSON object." if body else "name: This field is required.")


@pytest.mark.parametrize("value", ["5/60s", 5, [], True])
def test_a_member_that_is_not_an_object_is_refused_in_words_of_json(alice: Api, value: Any) -> None:
    problem = assert_problem(alice.post("api-keys", {"name": "a", "rate_limit": value}), 400, "invalid")
    assert problem["errors"] == [{"member": "rate_limit", "detail": "Send a JSON object."}]


def test_a_number_whose_fraction_is_zero_is_an_integer(alice: Api) -> None:
    made = post(alice, b'{"name": "a", "rate_limit": {"requests": 5.0, "seconds": 6e1}}')
    assert made.status_code == 201, made.content
    assert made.json()["rate_limit"] == {"requests": 5, "seconds": 60}


@pytest.mark.parametrize("number", ["5.5", "1e400", "-1e400", "1e300", "9007199254740993.0", "1e-400"])
def test_another_number_is_no_integer_or_none_that_is_allowed(alice: Api, number: str) -> None:
    body = b'{"name": "a", "rate_limit": {"requests": %b, "seconds": 60}}' % number.encode()
    assert_problem(post(alice, body), 400, "invalid", "rate_limit.requests")


WRONG: list[Any] = [5, 5.5, True, False, [], {}, ["a"], {"a": 1}]


@pytest.mark.parametrize("value", WRONG)
@pytest.mark.requirement(93)
def test_a_wrong_type_is_refused_and_named(alice: Api, value: Any) -> None:
    for member in ("name", "environment", "expires_at", "organization"):
        body = json.dumps({"name": "a", member: value}).encode()
        assert_problem(post(alice, body), 400, "invalid", member)


@pytest.mark.parametrize(
    "value", [1, "services:read", True, {"services:read": True}, [1], [None], [["a"]], "", 0]
)
@pytest.mark.requirement(93)
def test_a_wrong_list_is_refused_and_named(alice: Api, value: Any) -> None:
    problem = assert_problem(post(alice, json.dumps({"name": "a", "scopes": value}).encode()), 400, "invalid")
    assert problem["errors"][0]["member"].startswith("scopes")
    if not isinstance(value, list):
        assert problem["errors"][0]["detail"] == "Send a list."


@pytest.mark.parametrize("text", ["\\ud800", "a\\udfffb", "\\u0000", "a\\u0000b", "\\ud800\\ud800"])
@pytest.mark.requirement(93)
def test_text_that_no_database_keeps_is_refused_and_named(alice: Api, text: str) -> None:
    for member in ("name", "environment", "organization"):
        body = f'{{"name": "a", "{member}": "{text}"}}'.replace(
            f'"name": "a", "name": "{text}"', f'"name": "{text}"'
        )
        assert_problem(post(alice, body.encode()), 400, "invalid", member)
    assert_problem(post(alice, f'{{"name": "a", "scopes": ["{text}"]}}'.encode()), 400, "invalid", "scopes.0")
    assert_problem(post(alice, f'{{"name": "a", "{text}": 1}}'.encode()), 400, "invalid")
    assert not ApiKey.objects.exists()


def test_of_very_many_unknown_members_the_first_few_are_named(anonymous: Api) -> None:
    members = ",".join(f'"{number}":0' for number in range(90_000))
    response = anonymous.client.generic("POST", "/api/v1/auth/login", f"{{{members}}}", JSON)
    problem = assert_problem(response, 400, "invalid")
    named = [each["member"] for each in problem["errors"]]
    assert named == ["username", "password", *(str(number) for number in range(18))]
    assert problem["detail"].endswith("; 89982 more faults are not listed")


def test_of_a_very_long_member_only_the_beginning_is_named(anonymous: Api) -> None:
    name = "\N{SLIGHTLY SMILING FACE}" * 100_000
    for body in (f'{{"{name}": 0}}', f'{{"{name}": 0, "{name}": 0}}'):
        response = anonymous.client.generic("POST", "/api/v1/auth/login", body.encode(), JSON)
        assert response.status_code == 400
        assert "\\U0001f642" in response.json()["detail"]
        assert len(response.content) < 10_000


@pytest.mark.parametrize(
    ("path", "member", "most"),
    [
        ("/api/v1/api-keys", "scopes", 200),
        ("/api/v1/api-keys", "allowed_networks", 50),
        ("/gateway/introspect", "tokens", 100),
    ],
)
def test_a_list_that_is_too_long_is_refused_whatever_it_holds(
    cast: Cast, path: str, member: str, most: int
) -> None:
    response = as_user(cast.ada).post(path, {"name": "a", member: [0] * (most + 1)})
    (error,) = assert_problem(response, 400, "invalid")["errors"]
    assert error == {"member": member, "detail": f"Ensure this field has no more than {most} elements."}


def test_of_very_many_wrong_items_of_a_list_the_first_few_are_named(alice: Api) -> None:
    problem = assert_problem(alice.post("api-keys", {"name": "a", "scopes": [0] * 200}), 400, "invalid")
    assert [error["member"] for error in problem["errors"]] == [f"scopes.{number}" for number in range(20)]
    assert problem["detail"].count("scopes.") == 20
    assert problem["detail"].endswith("; 180 more faults are not listed")


def test_a_character_outside_the_basic_plane_is_one_character(alice: Api) -> None:
    response = post(alice, b'{"name": "\\ud83d\\ude42"}')
    assert (response.status_code, response.json()["name"]) == (201, "🙂")


@pytest.mark.parametrize("kind", ["text/plain", "text/json", "application/x-www-form-urlencoded", "", "json"])
@pytest.mark.requirement(93)
def test_another_content_type_is_refused_with_the_right_one(alice: Api, kind: str) -> None:
    problem = assert_problem(post(alice, b'{"name": "a"}', kind), 415, "unsupported_media_type")
    fault = f", not '{kind}'" if kind else "; it is missing"
    assert problem["detail"] == f"The Content-Type must be application/json{fault}."


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/json;x=y"]
)
def test_json_may_carry_parameters(alice: Api, kind: str) -> None:
    assert post(alice, b'{"name": "a"}', kind).status_code == 201


@pytest.mark.requirement(93)
def test_a_body_over_one_mebibyte_is_refused_before_it_is_read(alice: Api) -> None:
    start, end = b'{"name": "', b'"}'
    exact = start + b"a" * (MIB - len(start) - len(end)) + end
    assert_problem(post(alice, exact), 400, "invalid", "name")
    assert_problem(post(alice, exact + b" "), 413, "too_large")
    assert_problem(post(alice, exact + b" ", "text/plain"), 413, "too_large")
    assert_problem(Api().client.generic("POST", "/nothing", exact + b" ", JSON), 413, "too_large")


@pytest.mark.parametrize("length", ["1048577", "9" * 19, "9" * 25, "9" * 5000, "0001048577"])
@pytest.mark.requirement(93)
def test_a_large_declared_length_is_enough(alice: Api, length: str) -> None:
    response = alice.client.post("/api/v1/api-keys", {"name": "a"}, JSON, CONTENT_LENGTH=length)
    assert_problem(response, 413, "too_large")
