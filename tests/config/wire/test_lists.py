"""All lists of the API take the same parameters: filters, `search` and `ordering`."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.mixins import ListModelMixin

from accounts.invitations.services import invite
from accounts.models import Session
from config.profiles import Profile
from config.wire.lists.query import ListQuery
from config.wire.members import external_name
from tests.accounts.helpers import caller_as, statements
from tests.config.profile_texts import SHIPPED, profile_called
from tests.config.wire.openapi.test_openapi import schema
from tests.conftest import Cast, as_user, assert_problem, make_key
from tests.test_architecture import api_views

pytestmark = pytest.mark.once


def test_every_list_declares_its_parameters() -> None:
    lists = [view for _, view, _ in api_views() if issubclass(view, ListModelMixin)]
    assert len(lists) > 8
    for view in lists:
        query: type[ListQuery] = view.list_query  # type: ignore[attr-defined]
        assert "search" in query().declared(), view
        assert query.resource == view.resource  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", [*SHIPPED, "dialect"])
def test_the_document_lists_the_parameters_that_a_list_takes(
    name: str, served_profile: Callable[[Profile], None]
) -> None:
    served = profile_called(name)
    served_profile(served)
    document = schema()
    keys = document["paths"][f"{served.base_path}/{served.paths.api_keys}"]["get"]["parameters"]
    described = {each["name"]: each for each in keys}
    wanted = {"expiring_within", "unused_for", "environment", "owner", "organization", "search", "ordering"}
    assert {external_name("api_key", each) for each in wanted} <= described.keys()
    assert set(served.keys.attributes) <= described.keys()
    assert described["environment"]["schema"]["enum"] == list(served.keys.environments)
    assert described["ordering"]["schema"]["enum"]
    assert all(each.get("description") for each in keys)


def parameters(name: str) -> dict[str, dict[str, Any]]:
    operations = [each for path in schema()["paths"].values() for each in path.values()]
    found = next(each for each in operations if each["operationId"] == name)
    return {each["name"]: each["schema"] for each in found["parameters"]}


def test_the_dialect_spells_parameters_and_orders_its_own_way(
    served_profile: Callable[[Profile], None], db: None
) -> None:
    served_profile(profile_called("dialect"))
    keys = parameters("list_api_keys")
    assert keys["state"]["enum"] == ["active", "expiring", "expired", "disabled", "revoked"]
    assert {"expiry", "-expiry", "createdAt", "-createdAt"} <= set(keys["ordering"]["enum"])
    assert keys["organization"]["pattern"].startswith("^org_")
    assert keys["owner"]["anyOf"][0]["pattern"].startswith("^usr_")


def test_audit_events_are_found_by_address_request_and_search(cast: Cast) -> None:
    ada = as_user(cast.ada)
    made = ada.post("organizations", {"name": "Initech"}, headers={"X-Request-ID": "a-request"})
    event = ada.get("audit?event=organization:created").json()["results"][0]
    assert made.status_code == 201
    for query in (f"request_id={event['request_id']}", "search=Initech", f"ip={event['ip']}"):
        assert event["id"] in listed(ada, f"audit?{query}&event=organization:created", "id")
    oldest = ada.get("audit?ordering=occurred_at&page_size=2").json()
    times = [each["occurred_at"] for each in oldest["results"]]
    assert times == sorted(times)
    newest = ada.get("audit?ordering=-occurred_at&page_size=1").json()["results"][0]
    assert newest == ada.get("audit?page_size=1").json()["results"][0]


def listed(api: Any, path: str, member: str) -> list[str]:
    answer = api.get(path)
    assert answer.status_code == 200, answer.content
    return [each[member] for each in answer.json()["results"]]


def test_people_and_organizations_are_sorted_by_name(cast: Cast) -> None:
    ada = as_user(cast.ada)
    emails = listed(ada, "users?ordering=email", "email")
    assert emails == sorted(emails) and len(emails) == 6
    assert listed(ada, "users?ordering=-email", "email") == emails[::-1]
    assert listed(ada, "users?ordering=created_at", "id") == listed(ada, "users", "id")[::-1]
    assert listed(ada, "organizations?ordering=name", "name") == ["Acme", "Umbrella"]
    assert listed(ada, "organizations?ordering=-name", "name") == ["Umbrella", "Acme"]


def test_organizations_are_found_by_whether_they_require_a_second_factor(cast: Cast) -> None:
    ada = as_user(cast.ada)
    type(cast.acme).objects.filter(pk=cast.acme.pk).update(requires_second_factor=True)
    assert listed(ada, "organizations?requires_second_factor=true", "name") == ["Acme"]
    assert listed(ada, "organizations?requires_second_factor=false", "name") == ["Umbrella"]
    problem = assert_problem(ada.get("organizations?requires_second_factor=1"), 400, "invalid")
    assert problem["detail"] == "requires_second_factor: Must be one of: true, false."


def test_members_are_found_by_name_and_role(cast: Cast) -> None:
    alice, path = as_user(cast.alice), f"organizations/{cast.acme.uuid}/members"
    assert listed(alice, path, "username") == ["bob", "alice"]
    assert listed(alice, f"{path}?search=ALI", "username") == ["alice"]
    assert listed(alice, f"{path}?role=developer", "username") == ["bob"]
    assert listed(alice, f"{path}?search=charlie", "username") == []


def test_invitations_are_found_and_sorted_by_address(cast: Cast) -> None:
    for email in ("b@example.net", "a@example.net", "c@example.com"):
        invite(caller=caller_as(cast.ada), organization=cast.acme, email=email, role="developer")
    ada, path = as_user(cast.ada), f"organizations/{cast.acme.uuid}/invitations"
    a, b, c = "a@example.net", "b@example.net", "c@example.com"
    assert listed(ada, path, "email") == [c, a, b]
    assert listed(ada, f"{path}?ordering=email", "email") == [a, b, c]
    assert listed(ada, f"{path}?search=EXAMPLE.net&ordering=-email", "email") == [b, a]
    assert listed(ada, f"{path}?role=owner", "email") == []
    assert listed(ada, "users/invitations?ordering=email", "email") == []


def test_sessions_are_found_by_device_and_address(cast: Cast) -> None:
    alice = as_user(cast.alice)
    assert len(listed(alice, "auth/sessions?search=127.0", "id")) == 1
    for nowhere in ("Firefox", "0.1"):
        assert listed(alice, f"auth/sessions?search={nowhere}", "id") == []
    Session.objects.update(user_agent="Mozilla/5.0 (X11) Firefox/140.0")
    assert len(listed(alice, "auth/sessions?search=firefox", "id")) == 1
    as_user(cast.alice)
    oldest, newest = listed(alice, "auth/sessions?ordering=created_at", "id")
    assert listed(alice, "auth/sessions", "id") == [newest, oldest]


def test_an_empty_search_finds_everything(cast: Cast) -> None:
    make_key(cast.alice)
    ada = as_user(cast.ada)
    for path in ("users", "organizations", "api-keys", "audit", "auth/sessions", "auth/oauth2/consents"):
        assert listed(ada, f"{path}?search=", "id") == listed(ada, path, "id")


FILTERED = {
    "users": "search=e&role=member&is_active=true&ordering=email",
    "audit": "event=login:succeeded&search=x&ip=127.0.0.1&request_id=x&ordering=occurred_at",
    "organizations": "search=a&requires_second_factor=false&ordering=name",
    "api-keys": "status=active&environment=live&scope=keys:read&unused_for=1d&search=a&ordering=expires_at",
    "auth/sessions": "search=x&ordering=created_at",
    "auth/oauth2/consents": "search=x&ordering=created_at",
    "users/{alice.uuid}/sessions": "search=x&ordering=created_at",
    "users/invitations": "search=e&role=member&ordering=email",
    "organizations/{acme.uuid}/members": "search=e&role=developer",
    "organizations/{acme.uuid}/invitations": "search=e&role=developer&ordering=email",
}


@pytest.mark.parametrize("path", FILTERED)
def test_filters_cost_no_query(cast: Cast, path: str) -> None:
    ada, address = as_user(cast.ada), path.format(**vars(cast))
    counts = []
    for query in ("", FILTERED[path]):
        with CaptureQueriesContext(connection) as captured:
            assert ada.get(f"{address}?{query}").status_code == 200
        counts.append(len([sql for sql in statements(captured) if not sql.startswith("SET LOCAL")]))
    assert counts[0] == counts[1] <= 4


def test_a_201_names_the_address_of_what_was_created_where_get_shows_it(cast: Cast) -> None:
    ada = as_user(cast.ada)
    user = {"username": "new", "email": "new@example.net", "role": "member"}
    members = f"organizations/{cast.umbrella.uuid}/members"
    for path, body in (
        ("users", {**user, "password": "a walk to another lighthouse"}),
        ("organizations", {"name": "Initech"}),
        (members, {"user": str(cast.bob.uuid), "role": "developer"}),
        ("api-keys", {"name": "CI"}),
    ):
        made = ada.post(path, body)
        assert made.status_code == 201, made.content
        location = made.headers["Location"]
        assert location == f"{settings.PUBLIC_URL}/api/v1/{path}/{made.json()['id']}"
        shown = ada.client.get(location).json()
        assert {name: made.json()[name] for name in shown} == shown


def test_a_201_names_no_address_where_get_shows_nothing(cast: Cast) -> None:
    made = as_user(cast.ada).post("users/invitations", {"email": "new@example.net", "role": "member"})
    assert made.status_code == 201
    assert "Location" not in made.headers


def test_the_document_says_which_201s_have_an_address() -> None:
    posts = {path: each["post"] for path, each in schema()["paths"].items() if "post" in each}
    answers = {path: post["responses"].get("201", {}) for path, post in posts.items()}
    created = {path for path, answer in answers.items() if "Location" in answer.get("headers", {})}
    assert created == {
        "/api/v1/api-keys",
        "/api/v1/api-keys/{id}/rotate",
        "/api/v1/organizations",
        "/api/v1/organizations/{organization_id}/members",
        "/api/v1/users",
        "/api/v1/webhooks",
    }
