"""The example of each body in the OpenAPI document is sent to its endpoint, which does what it says."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from accounts.models import User
from config import profiles
from tests.accounts.helpers import serving
from tests.accounts.mailbox import Mailbox
from tests.config.wire.openapi.bodies import (
    Body,
    bodies,
    document_with_registration,
    opening_registration,
    resolved,
)
from tests.config.wire.openapi.stages import STAGES, Stage
from tests.config.wire.openapi.test_openapi import schema
from tests.conftest import Api, Cast, as_user, make_key, with_key

JSON = "application/json"


def test_every_body_is_sent() -> None:
    assert STAGES.keys() == bodies().keys()


@pytest.mark.parametrize("operation", STAGES)
def test_the_example_works(operation: str, cast: Cast, mailbox: Mailbox) -> None:
    found = document_with_registration().bodies[operation]
    with opening_registration():
        for body in found:
            stage = STAGES[operation](cast, mailbox)
            answer = send(stage, body)
            assert answer.status_code in body.successes, answer.content


def send(stage: Stage, body: Body) -> Any:
    if isinstance(body.example, list):
        return send_text(stage, body, json.dumps(body.example))
    sent = {name: stage.known.get(name, value) for name, value in body.example.items()}
    return send_text(stage, body, json.dumps(sent) if body.media_type == JSON else urlencode(sent))


def send_text(stage: Stage, body: Body, text: str) -> Any:
    call = getattr(stage.api.client, body.method)
    return call(body.path.format(**stage.path), data=text, content_type=body.media_type)


@pytest.mark.parametrize("operation", STAGES)
def test_a_key_with_all_scopes_may_do_what_the_document_says(
    operation: str, cast: Cast, mailbox: Mailbox
) -> None:
    taken = {name for each in securities()[operation] for name in each}
    if "access_token" not in taken:
        pytest.skip("it takes no login")
    stage = STAGES[operation](cast, mailbox)
    program = with_key(make_key(cast.ada, *profiles.active().scopes).text)
    statuses = {send(replace(stage, api=program), body).status_code for body in bodies()[operation]}
    assert (statuses == {403}) == ("api_key" not in taken), statuses


def securities() -> dict[str, Any]:
    """Which credentials each operation takes."""
    paths = schema()["paths"].values()
    return {each["operationId"]: each["security"] for path in paths for each in path.values()}


def test_the_example_of_a_login_is_that_of_an_account(cast: Cast) -> None:
    (body,) = bodies()["log_in"]
    assert send(Stage(Api()), body).json()["user"]["id"] == str(User.objects.get(username="ada").uuid)


def test_the_example_of_a_new_key_makes_a_key_that_works(cast: Cast) -> None:
    (body,) = bodies()["create_api_key"]
    text = send(Stage(as_user(cast.ada)), body).json()["key"]
    assert Api({"X-API-Key": text}).get("auth/me").json()["username"] == "ada"


@pytest.mark.parametrize("days", [1, 30])
def test_the_example_of_a_new_key_has_an_expiry_where_keys_must_have_one(cast: Cast, days: int) -> None:
    with serving("keys", longest_days=days):
        (body,) = bodies()["create_api_key"]
        form = resolved(schema()["components"]["schemas"], body.form)
        assert "expires_at" in form["required"]
        assert form["properties"]["expires_at"]["type"] == "string"
        assert send(Stage(as_user(cast.ada)), body).status_code == 201
    assert "expires_at" not in bodies()["create_api_key"][0].example


@pytest.mark.parametrize("operation", STAGES)
def test_a_body_beyond_a_constraint_is_refused(operation: str, cast: Cast, mailbox: Mailbox) -> None:
    """The document says no more than what is enforced."""
    document = document_with_registration()
    with opening_registration():
        stage = STAGES[operation](cast, mailbox)
        for body in document.bodies[operation]:
            for name, value in beyond(document.schemas, body.form):
                wrong = replace(body, example={**body.example, name: value})
                answer = send(replace(stage, known={**stage.known, name: value}), wrong)
                assert answer.status_code == 400, (name, value, answer.content)


def test_every_kind_of_constraint_is_tried() -> None:
    schemas = schema()["components"]["schemas"]
    tried = Counter(
        name for forms in bodies().values() for body in forms for name, _ in beyond(schemas, body.form)
    )
    assert tried["unexpected"] > 20
    assert {"password", "email", "role", "environment", "name", "scopes"} <= tried.keys()


def beyond(schemas: Mapping[str, Any], form: Any) -> Iterator[tuple[str, Any]]:
    """Yield members with values that the schema of a body does not allow."""
    form = resolved(schemas, form)
    if form.get("additionalProperties") is False:
        yield "unexpected", "x"
    for name, member in form.get("properties", {}).items():
        member = resolved(schemas, member)
        if member.get("minLength"):
            yield name, "x" * (member["minLength"] - 1)
        if "maxLength" in member:
            yield name, "x" * (member["maxLength"] + 1)
        if "enum" in member:
            yield name, "no such word"
        if member.get("format") == "email":
            yield name, "no address"
        if "maxItems" in member:
            yield name, ["x"] * (member["maxItems"] + 1)
        if "enum" in resolved(schemas, member.get("items", {})):
            yield name, ["no such word"]


@pytest.mark.parametrize("operation", STAGES)
@pytest.mark.parametrize("text", ["{}", ""])
def test_no_body_and_one_without_members_are_refused_where_the_document_says_so(
    text: str, operation: str, cast: Cast, mailbox: Mailbox
) -> None:
    document = document_with_registration()
    with opening_registration():
        stage = STAGES[operation](cast, mailbox)
        found = document.bodies[operation]
        for body in found:
            form = resolved(document.schemas, body.form)
            refuses = "minProperties" in form or "required" in form or "oneOf" in form or "items" in form
            # Of two forms neither is required: openapi-python-client would make code that lacks an import.
            assert (refuses and len(found) == 1) == body.is_required
            answer = send_text(stage, body, text if body.media_type == JSON else "")
            assert (answer.status_code in {400, 401, 403}) == refuses, answer.content
