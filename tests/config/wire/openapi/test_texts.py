"""What the OpenAPI document says about each operation, in every profile."""

import inspect
import json
import re
from typing import Any

import msgspec
import pytest
from django.conf import settings
from openapi_schema_validator import OAS31Validator

from config import profiles
from config.profiles import Profile
from config.wire.members import external_name
from config.wire.openapi import texts
from tests.config.wire.openapi.test_openapi import loaded, profile, schema
from tests.test_architecture import FOLDERS, PROJECT, api_views

__all__ = ["loaded", "profile"]  # the fixtures

pytestmark = pytest.mark.once

VERBS = {
    *{
        "Accept",
        "Add",
        "Ask",
        "Change",
        "Check",
        "Confirm",
        "Create",
        "Delete",
        "Describe",
        "Disable",
        "Enable",
    },
    *{"End", "Get", "Invite", "List", "Log", "Mail", "Refresh", "Register", "Remove", "Replace", "Report"},
    *{"Narrow", "Resend", "Reset", "Revoke", "Rotate", "Set", "Take", "Test", "Widen", "Withdraw"},
}
FILES = sorted(path for folder in FOLDERS for path in (PROJECT / folder).rglob("openapi.toml"))


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for methods in document["paths"].values() for operation in methods.values()]


def test_every_operation_has_a_summary_of_its_own_that_begins_with_a_verb(profile: Profile) -> None:
    summaries = [operation["summary"] for operation in operations(schema())]
    assert len(set(summaries)) == len(summaries)
    assert [each for each in summaries if len(each) > 60 or not each[-1].isalnum()] == []
    assert {each.partition(" ")[0] for each in summaries} <= VERBS


def test_every_operation_says_what_it_does_and_who_may_call_it(profile: Profile) -> None:
    for operation in operations(schema()):
        what, _, who = operation["description"].rpartition("\n\n")
        assert what.endswith("."), operation["operationId"]
        assert "may call this" in who, operation["operationId"]


def test_who_may_call_an_operation_is_what_its_view_needs() -> None:
    paths = schema()["paths"]
    said = {operation["operationId"]: operation["description"] for operation in operations({"paths": paths})}
    assert said["list_users"].endswith("Callers whose role or scopes give `read_users` may call this.")
    assert "`manage_keys` or `manage_own_keys`" in said["create_api_key"]
    assert said["me"].endswith("Callers with any valid credential may call this.")
    people = "People who have logged in and whose role gives `manage_users` may call this."
    assert said["create_user"].endswith(f"{people} API keys and OAuth2 tokens may not.")
    assert said["log_out"].endswith("API keys and OAuth2 tokens may not.")
    assert said["log_in"].endswith("Anybody may call this, without a credential.")


def test_every_operation_has_one_of_the_described_tags(profile: Profile) -> None:
    document = schema()
    tags = [tag["name"] for tag in document["tags"]]
    assert tags == [tag for tag in texts.TAGS if tag in tags]
    assert all(tag["description"].endswith(".") for tag in document["tags"])
    assert {tag for operation in operations(document) for tag in operation["tags"]} == set(tags)
    assert [len(operation["tags"]) for operation in operations(document)] == [1] * len(operations(document))


def test_no_docstring_of_a_view_is_in_the_document(profile: Profile) -> None:
    body = json.dumps(schema())
    docstrings = {inspect.getdoc(view) for _, view, _ in api_views()} - {None}
    assert [each for each in docstrings if each and json.dumps(each)[1:-1] in body] == []


def test_the_document_names_the_public_address_as_its_server(profile: Profile) -> None:
    document = schema()
    assert document["servers"] == [{"url": settings.PUBLIC_URL}]
    assert f"{profile.base_path}/auth/login" in document["paths"]


def test_every_text_is_in_the_document() -> None:
    document = schema()
    files = [msgspec.toml.decode(path.read_bytes(), type=texts.Texts) for path in FILES]
    operation_ids = [operation["operationId"] for operation in operations(document)]
    assert sorted(name for each in files for name in each.operations) == sorted(operation_ids)
    described = {component.get("description") for component in document["components"]["schemas"].values()}
    written = {text.description.strip() for each in files for text in each.schemas.values()} - {""}
    assert written - described == set()


def test_every_example_is_what_its_schema_describes(profile: Profile) -> None:
    document = schema()
    components = document["components"]
    found = [
        (name, each, example)
        for name, each in components["schemas"].items()
        for example in each.get("examples", [])
    ]
    assert len(found) > 40
    for name, described, example in found:
        faults = OAS31Validator({**described, "components": components}).iter_errors(example)
        assert [f"{fault.json_path}: {fault.message}" for fault in faults] == [], name


def test_every_body_has_an_example(profile: Profile) -> None:
    for operation in operations(schema()):
        for form in operation.get("requestBody", {}).get("content", {}).values():
            assert isinstance(form["example"], dict | list), operation["operationId"]


def test_examples_are_in_the_words_of_the_profile(profile: Profile) -> None:
    body = json.dumps(schema())
    words = "scope|global_role|organization_role|environment|key|key_prefix|required_expiry"
    assert re.findall(rf"\{{(?:{words})\}}", body) == []
    roles = profiles.active().roles_of_level("global")
    created = schema()["components"]["schemas"]["CreateUserRequest"]["examples"][0]
    assert roles[-1] in created.values()


def test_scopes_are_listed_with_what_the_profile_says_of_them(profile: Profile) -> None:
    components = schema()["components"]["schemas"]
    member = components["CreateApiKeyRequest"]["properties"][external_name("api_key", "scopes")]
    if not profile.scopes:
        assert member["maxItems"] == 0 and "ScopeName" not in components
        return
    assert member["items"] == {"$ref": "#/components/schemas/ScopeName"}
    named = components["ScopeName"]
    assert named["enum"] == list(profile.scopes)
    described = [f"* `{name}`: {scope.description}" for name, scope in profile.scopes.items()]
    assert named["description"].splitlines() == described


def test_no_word_is_described_by_itself() -> None:
    assert re.findall(r"\* `([^`]+)` - \1", json.dumps(schema())) == []
