"""/schema and /docs: the OpenAPI document of the profile that is served."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.urls import get_resolver
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from openapi_spec_validator.schemas import schema_v31
from referencing.jsonschema import DRAFT202012, EMPTY_REGISTRY
from rest_framework.renderers import JSONRenderer

from config.profiles import Profile
from config.wire.members import external_name
from config.wire.problems import PAGES, is_under
from tests.config.profile_texts import SHIPPED, profile_called
from tests.conftest import Api, Cast, as_user, assert_problem
from tests.test_architecture import views

pytestmark = pytest.mark.once

METHODS = {"get", "post", "put", "patch", "delete"}
UNDOCUMENTED = {
    *{"", "schema", "docs", ".well-known/change-password", *(page.lstrip("/") for page in PAGES)},
    *(
        f"api/v1/auth/oauth2/{page}"
        for page in ("authorize", "decision", "login", "allowed", "logout", "logout/answer")
    ),
}


OPENAPI = dict(schema_v31)


class DocumentValidator(OpenAPIV31SpecValidator):
    """Finds the anchors of OpenAPI's schema once: the library would look for them at each use."""

    schema_validator = Draft202012Validator(
        OPENAPI, registry=(DRAFT202012.create_resource(OPENAPI) @ EMPTY_REGISTRY).crawl()
    )


def schema() -> dict[str, Any]:
    response = Api().get("/schema")
    assert response.status_code == 200
    document: dict[str, Any] = json.loads(response.content)
    return document


@pytest.fixture(scope="module", params=[*SHIPPED, "dialect"])
def loaded(request: pytest.FixtureRequest) -> Profile:
    """A profile, for all tests in a row: its document takes longer to build than a test."""
    name: str = request.param
    return profile_called(name)


@pytest.fixture
def profile(loaded: Profile, served_profile: Callable[[Profile], None]) -> Profile:
    served_profile(loaded)
    return loaded


def test_the_only_identifier_of_a_login_is_required(profile: Profile) -> None:
    form = schema()["components"]["schemas"]["LoginRequest"]
    names = {external_name("login", kind) for kind in profile.login.identifiers}
    assert names & set(form["required"]) == (names if len(names) == 1 else set())
    assert names <= form["properties"].keys()


@pytest.mark.slow
def test_the_document_is_valid_openapi_3_1(profile: Profile) -> None:
    document = schema()
    assert document["openapi"].startswith("3.1")
    assert document["info"]["title"] == f"{profile.product.name} API"
    DocumentValidator(document).validate()


@pytest.mark.slow
def test_the_document_is_made_without_a_warning(profile: Profile, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("spectacular", "--fail-on-warn", "--format=openapi-json")
    assert capsys.readouterr().err == ""


def test_the_document_lists_every_endpoint_with_every_method(profile: Profile) -> None:
    listed = {
        (path.strip("/"), method)
        for path, operations in schema()["paths"].items()
        for method in operations.keys() & METHODS
    }
    assert listed == {("gateway/check", "get"), *served()}  # which a middleware answers


def served() -> list[tuple[str, str]]:
    """(path, method) of what the URL configuration serves."""
    found = []
    for path, callback in full_paths(get_resolver().url_patterns):
        if path in UNDOCUMENTED or is_under(path, "account"):
            continue
        actions = getattr(callback, "actions", None)
        view = getattr(callback, "cls", None)
        methods = set(actions or {m for m in METHODS if hasattr(view, m)} or {"get"})
        found += [(path, method) for method in methods & METHODS]
    return found


def full_paths(patterns: Any, start: str = "") -> list[tuple[str, Any]]:
    found = []
    for entry in patterns:
        text = start + re.sub(r"(?:\(\?P<|<str:)(\w+)>(?:[^)]*\))?", r"{\1}", str(entry.pattern))
        for old, new in (("{pk}", "{id}"), ("^", ""), ("$", ""), ("\\Z", "")):
            text = text.replace(old, new)
        if hasattr(entry, "url_patterns"):
            found += full_paths(entry.url_patterns, text) if entry.app_name != "admin" else []
        else:
            found.append((text.strip("/"), entry.callback))
    return found


def test_the_paths_of_the_document_are_counted_like_the_views() -> None:
    assert len(full_paths(get_resolver().url_patterns)) == len(list(views()))


def test_every_operation_says_how_errors_look(profile: Profile) -> None:
    document = schema()
    problem = {"$ref": "#/components/schemas/Problem"}
    for operations in document["paths"].values():
        for operation in operations.values():
            content = operation["responses"]["default"]["content"]
            assert content == {"application/problem+json": {"schema": problem}}
    assert document["components"]["schemas"]["Problem"]["required"][:3] == ["type", "title", "status"]


def test_the_document_says_how_a_key_is_sent(profile: Profile) -> None:
    document, keys = schema(), profile.keys
    schemes = document["components"]["securitySchemes"]
    found = {(each.get("scheme"), each.get("name")) for name, each in schemes.items() if "api_key" in name}
    assert (("bearer", None) in found) == keys.bearer
    assert ((None, keys.header) in found) == bool(keys.header)
    assert (("basic", None) in found) == keys.basic
    one_of_them: list[dict[str, Any]] = document["paths"]["/gateway/check"]["get"]["security"]
    assert {name for each in one_of_them for name in each} == schemes.keys()
    assert max(map(len, one_of_them)) == 1


def test_no_component_has_a_member_of_its_own_name(profile: Profile) -> None:
    """In a Python client the class of such a component would have a variable for two things."""
    for name, form in schema()["components"]["schemas"].items():
        snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
        own = form.get("properties", {}).get(snake)
        assert own is None or own.get("type") == "string", name


def test_operations_that_create_take_an_idempotency_key_and_say_how_they_refuse_it(profile: Profile) -> None:
    creating = {}
    for operations in schema()["paths"].values():
        for operation in operations.values():
            names = {parameter["name"] for parameter in operation.get("parameters", ())}
            if "Idempotency-Key" in names:
                creating[operation["operationId"]] = operation["responses"]
    of_webhooks = () if profile.is_upstream("webhooks") else ("create_webhook", "rotate_webhook_secret")
    assert creating.keys() == {
        *("create_user", "create_organization", "add_member", "invite", "invite_to_account"),
        *("create_api_key", "rotate_api_key"),
        *of_webhooks,
    }
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for responses in creating.values():
        made = responses.get("201") or responses["200"]
        assert "Idempotent-Replayed" in made["headers"]
        assert [responses[status]["content"] for status in ("409", "410", "422")] == [problem] * 3


EDITS = {
    *{"update_api_key", "revoke_api_key", "rotate_api_key", "disable_api_key", "enable_api_key"},
    *{"narrow_api_key", "widen_api_key"},
    *{"update_user", "delete_user", "update_organization", "delete_organization"},
    *{"change_member_role", "remove_member", "change_me"},
    *{"update_webhook", "delete_webhook", "rotate_webhook_secret"},
}
TAGGED = {
    *{"get_api_key", "create_api_key", "update_api_key", "rotate_api_key", "disable_api_key"},
    *{"narrow_api_key", "widen_api_key"},
    *{"enable_api_key", "get_user", "create_user", "update_user", "get_organization", "create_organization"},
    *{"update_organization", "get_member", "add_member", "change_member_role", "me", "change_me"},
    *{"get_webhook", "create_webhook", "update_webhook", "rotate_webhook_secret"},
}


def test_the_document_says_what_takes_if_match_and_what_has_an_etag() -> None:
    conditional, refusable, tagged = set(), set(), set()
    for operations in schema()["paths"].values():
        for operation in operations.values():
            name, responses = operation["operationId"], operation["responses"]
            if "If-Match" in {each["name"] for each in operation.get("parameters", [])}:
                conditional.add(name)
            if "412" in responses:
                assert list(responses["412"]["headers"]) == ["ETag"]
                refusable.add(name)
            if any(
                "ETag" in responses[code].get("headers", {}) for code in ("200", "201") if code in responses
            ):
                tagged.add(name)
    assert conditional == refusable == EDITS
    assert tagged == TAGGED


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [
        operation["operationId"]
        for operations in schema()["paths"].values()
        for operation in operations.values()
    ]
    assert len(set(names)) == len(names)


def test_the_dialect_is_described_as_it_is_spoken(served_profile: Callable[[Profile], None]) -> None:
    served_profile(profile_called("dialect"))
    document = schema()
    key = document["components"]["schemas"]["ApiKey"]["properties"]
    assert list(key) == ["name", "id", "state", "permissions", "expiry", "lastUsedAt", "user"]
    assert key["id"]["pattern"] == "^key_[0-9A-Za-z]{22}$"
    listed = document["paths"]["/v2/product/api-keys"]["get"]["responses"]["200"]["content"]
    form = listed["application/json"]["schema"]
    assert form["required"] == ["data"]
    name = form["properties"]["data"]["$ref"].rpartition("/")[2]
    assert document["components"]["schemas"][name]["type"] == "array"
    introspected = document["paths"]["/gateway/introspect"]["post"]["responses"]["200"]["content"]
    assert "$ref" in introspected["application/json"]["schema"]


def test_the_document_and_the_page_are_open_to_everybody(db: None) -> None:
    assert Api().get("/schema").headers["Content-Type"].startswith("application/vnd.oai.openapi+json")
    assert Api({"Authorization": "Bearer nonsense"}).get("/schema").status_code == 200
    assert Api({"X-API-Key": "nonsense"}).get("/docs").status_code == 200


@pytest.mark.parametrize("query", ["version=%0d%0aX-Evil:1", "version=%22", "format=yaml", "lang=%00"])
def test_the_document_takes_no_parameters(query: str, db: None) -> None:
    response = Api().get(f"/schema?{query}")
    assert response.status_code == 200
    assert "X-Evil" not in response.headers


def test_a_client_that_has_the_document_gets_it_again_only_once_it_has_changed(
    db: None, served_profile: Callable[[Profile], None]
) -> None:
    first = Api().get("/schema")
    had = Api({"If-None-Match": first.headers["ETag"]})
    again = had.get("/schema")
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert first.headers["Cache-Control"] == again.headers["Cache-Control"] == "no-cache"
    served_profile(profile_called("dariet"))
    changed = had.get("/schema")
    assert changed.status_code == 200
    assert changed.headers["ETag"] != first.headers["ETag"]


def test_the_document_is_built_and_written_once(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Api().get("/schema").content
    monkeypatch.delattr(SchemaGenerator, "get_schema")
    monkeypatch.delattr(JSONRenderer, "render")
    assert Api().get("/schema").content == first


def test_the_page_loads_nothing_from_a_foreign_host(db: None) -> None:
    for address in ("/docs", "/docs?script="):
        response = Api().get(address)
        assert response.status_code == 200
        loaded = re.findall(r"""(?:src|href)=["']([^"']+)|url\(["']?([^"')]+)""", response.content.decode())
        assert not [found for pair in loaded for found in pair if found and not found.startswith("/")]
        assert not re.findall(r"https?://", response.content.decode())


def test_the_page_and_its_files_are_there(db: None) -> None:
    page = Api().get("/docs").content.decode()
    for address in re.findall(r"""(?:src|href)="(/static/[^"]+)""", page):
        assert Api().get(address).status_code == 200
    assert page.count("/static/") >= 3
    assert not re.findall(r"<script[^>]*>[^<]+", page)


def test_the_page_keeps_its_content_security_policy(db: None) -> None:
    policy = Api().get("/docs").headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "script-src" not in policy
    assert "http" not in policy


@pytest.mark.parametrize("address", ["/docs", "/schema", "/docs?script="])
def test_another_method_is_a_problem_document(address: str, cast: Cast) -> None:
    assert_problem(as_user(cast.ada).post(address), 405, "method_not_allowed")
