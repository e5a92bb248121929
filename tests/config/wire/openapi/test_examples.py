"""The example of each body in the OpenAPI document is sent to its endpoint, which does what it says."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import pytest

from accounts.invitations.services import invite
from accounts.mail.delivery import send_due
from accounts.models import User
from tests.accounts.authenticator import App, enrolled, let_codes_be_good_again, logged_in, secret_in
from tests.accounts.helpers import caller_as, serving
from tests.accounts.mailbox import Mailbox, token_in
from tests.config.wire.openapi.test_openapi import schema
from tests.conftest import PASSWORD, Api, Cast, as_user, log_in, make_key
from tests.oauth.flow import make_client

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
PASSWORD_OF_GRACE = "seven quiet harbours at dawn"


@dataclass(frozen=True)
class Stage:
    """Who sends an example, which ids its path has, and what it cannot know: ids, tokens and codes."""

    api: Api
    path: Mapping[str, Any] = field(default_factory=dict)
    known: Mapping[str, Any] = field(default_factory=dict)


Setting = Callable[[Cast, Mailbox], Stage]


def admin(cast: Cast, mailbox: Mailbox) -> Stage:
    return Stage(as_user(cast.ada))


def anybody(cast: Cast, mailbox: Mailbox) -> Stage:
    return Stage(Api())


def about(name: str) -> Setting:
    """Ada asks about Acme, or about bob, who works there."""
    return lambda cast, mailbox: Stage(as_user(cast.ada), {"id": getattr(cast, name).uuid})


def in_acme(**known: str) -> Setting:
    def stage(cast: Cast, mailbox: Mailbox) -> Stage:
        path = {"organization_id": cast.acme.uuid, "id": cast.bob.uuid}
        return Stage(
            as_user(cast.ada), path, {name: str(getattr(cast, who).uuid) for name, who in known.items()}
        )

    return stage


def own_key(cast: Cast, mailbox: Mailbox) -> Stage:
    return Stage(as_user(cast.ada), {"id": make_key(cast.ada).row.uuid})


def refreshing(cast: Cast, mailbox: Mailbox) -> Stage:
    return Stage(Api(), known={"refresh_token": log_in(cast.ada)["refresh_token"]})


def mailed(mailbox: Mailbox, address: str) -> Stage:
    """The person behind an address has followed the link in their last mail."""
    send_due()
    return Stage(Api(), known={"token": token_in(mailbox.to(address)[-1])})


def resetting(cast: Cast, mailbox: Mailbox) -> Stage:
    assert Api().post("auth/forgot-password", {"email": cast.ada.email}).status_code == 200
    return mailed(mailbox, cast.ada.email)


def registered(cast: Cast, mailbox: Mailbox) -> Stage:
    sent = {"email": "grace@example.org", "password": PASSWORD_OF_GRACE}
    assert Api().post("auth/register", sent).status_code == 202
    return mailed(mailbox, "grace@example.org")


def invited(cast: Cast, mailbox: Mailbox) -> Stage:
    invite(caller=caller_as(cast.ada), organization=cast.acme, email="grace@example.org", role="developer")
    return mailed(mailbox, "grace@example.org")


def confirming(cast: Cast, mailbox: Mailbox) -> Stage:
    api = as_user(cast.ada)
    begun = api.post("auth/totp", {"password": PASSWORD}).json()
    return Stage(api, known={"code": App(secret_in(begun["otpauth_uri"]), []).code()})


def with_app(cast: Cast, mailbox: Mailbox) -> Stage:
    app = enrolled(cast.ada)
    api = logged_in(cast.ada, app)
    let_codes_be_good_again()
    return Stage(api, known={"code": app.code()})


def introspecting(cast: Cast, mailbox: Mailbox) -> Stage:
    return Stage(as_user(cast.ada), known={"token": make_key(cast.bob).text})


def of_client(**known: Any) -> Setting:
    def stage(cast: Cast, mailbox: Mailbox) -> Stage:
        client = make_client("services:read", owner=cast.ada)
        proof = {"client_id": client.row.client_id, "client_secret": client.secret}
        return Stage(Api(), known=proof | known)

    return stage


STAGES: Mapping[str, Setting] = {
    "accept_invitation": invited,
    "add_member": in_acme(user="mallory"),
    "begin_totp": admin,
    "change_email": admin,
    "change_me": admin,
    "change_member_role": in_acme(),
    "change_password": admin,
    "confirm_email": registered,
    "confirm_totp": confirming,
    "create_api_key": admin,
    "create_organization": admin,
    "create_user": admin,
    "forgot_password": anybody,
    "introspect": introspecting,
    "invite": in_acme(),
    "invite_to_account": admin,
    "log_in": anybody,
    "oauth2_introspect": of_client(token="a token of somebody else"),
    "oauth2_revoke": of_client(token="a token that has ended"),
    "oauth2_token": of_client(),
    "refresh": refreshing,
    "register": anybody,
    "remove_totp": with_app,
    "replace_recovery_codes": with_app,
    "reset_password": resetting,
    "rotate_api_key": own_key,
    "update_api_key": own_key,
    "update_organization": about("acme"),
    "update_user": about("bob"),
}


@dataclass(frozen=True)
class Body:
    """A body of an operation: its media type and its example, and which statuses mean success.

    Without a body the operation is refused if the body `is_required`.
    """

    method: str
    path: str
    media_type: str
    form: Mapping[str, Any]
    example: Mapping[str, Any]
    successes: frozenset[int]
    is_required: bool


def bodies() -> dict[str, list[Body]]:
    """The bodies of each operation that takes one."""
    found: dict[str, list[Body]] = {}
    for path, methods in schema()["paths"].items():
        for method, operation in methods.items():
            successes = frozenset(int(code) for code in operation["responses"] if code.startswith("2"))
            sent = operation.get("requestBody", {})
            for media_type, form in sent.get("content", {}).items():
                needed = sent.get("required", False)
                body = Body(method, path, media_type, form["schema"], form["example"], successes, needed)
                found.setdefault(operation["operationId"], []).append(body)
    return found


def test_every_body_is_sent() -> None:
    assert STAGES.keys() == bodies().keys()


@pytest.mark.parametrize("operation", STAGES)
def test_the_example_works(operation: str, cast: Cast, mailbox: Mailbox) -> None:
    with serving("login", registration_role="member"):
        for body in bodies()[operation]:
            stage = STAGES[operation](cast, mailbox)
            answer = send(stage, body)
            assert answer.status_code in body.successes, answer.content


def send(stage: Stage, body: Body) -> Any:
    sent = {name: stage.known.get(name, value) for name, value in body.example.items()}
    return send_text(stage, body, json.dumps(sent) if body.media_type == JSON else urlencode(sent))


def send_text(stage: Stage, body: Body, text: str) -> Any:
    call = getattr(stage.api.client, body.method)
    return call(body.path.format(**stage.path), data=text, content_type=body.media_type)


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
    schemas = schema()["components"]["schemas"]
    with serving("login", registration_role="member"):
        stage = STAGES[operation](cast, mailbox)
        for body in bodies()[operation]:
            for name, value in beyond(schemas, body.form):
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


def resolved(schemas: Mapping[str, Any], form: Any) -> Any:
    return schemas[form["$ref"].rpartition("/")[2]] if "$ref" in form else form


@pytest.mark.parametrize("operation", STAGES)
@pytest.mark.parametrize("text", ["{}", ""])
def test_no_body_and_one_without_members_are_refused_where_the_document_says_so(
    text: str, operation: str, cast: Cast, mailbox: Mailbox
) -> None:
    schemas = schema()["components"]["schemas"]
    with serving("login", registration_role="member"):
        stage = STAGES[operation](cast, mailbox)
        found = bodies()[operation]
        for body in found:
            form = resolved(schemas, body.form)
            refuses = "minProperties" in form or "required" in form or "oneOf" in form
            # Of two forms neither is required: openapi-python-client would make code that lacks an import.
            assert (refuses and len(found) == 1) == body.is_required
            answer = send_text(stage, body, text if body.media_type == JSON else "")
            assert (answer.status_code in {400, 401}) == refuses, answer.content
