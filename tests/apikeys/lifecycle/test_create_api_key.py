"""POST api-keys creates a key, or refuses with the name of the wrong member."""

from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings

from apikeys.models import ApiKey
from audit.models import Event
from tests.conftest import Api, Cast, as_user, assert_problem, make_key, with_key


@pytest.fixture
def alice(cast: Cast) -> Api:
    return as_user(cast.alice)


def test_a_person_makes_a_key_for_themselves(cast: Cast, alice: Api) -> None:
    made = alice.post(
        "api-keys", {"name": " Nightly build ", "scopes": ["keys:read", "services:read", "keys:read"]}
    )
    assert made.status_code == 201, made.content
    row = ApiKey.objects.get(uuid=made.json()["id"])
    assert (row.user, row.organization, row.name) == (cast.alice, None, "Nightly build")
    assert row.scopes == made.json()["scopes"] == ["keys:read", "services:read"]
    assert (row.environment, row.expires_at, row.use_count) == ("live", None, 0)
    assert with_key(made.json()["key"]).get("auth/me").json()["username"] == "alice"


def test_the_answer_is_the_key_as_get_shows_it_and_its_text(cast: Cast, alice: Api) -> None:
    sent = {
        "name": "CI",
        "organization": str(cast.acme.uuid),
        "allowed_networks": ["192.0.2.0/24"],
        "rate_limit": {"requests": 5, "seconds": 60},
    }
    made = alice.post("api-keys", sent)
    location = made.headers["Location"]
    assert location == f"{settings.PUBLIC_URL}/api/v1/api-keys/{made.json()['id']}"
    shown = alice.client.get(location).json()
    assert made.json() == {**shown, "key": made.json()["key"]}
    first = ["id", "name", "key", "key_prefix", "scopes", "expires_at", "created_at"]
    assert list(made.json())[: len(first)] == first  # the members that answers had before


def test_making_a_key_is_recorded_with_maker_owner_and_scopes(cast: Cast, alice: Api) -> None:
    made = alice.post(
        "api-keys", {"name": "CI", "scopes": ["keys:read"], "organization": str(cast.acme.uuid)}
    )
    event = Event.objects.get(name="api_key:created")
    assert (event.actor_kind, event.actor_id) == ("user", str(cast.alice.uuid))
    assert (event.target_kind, event.target_id, event.target_label) == ("api_key", made.json()["id"], "CI")
    assert event.organization_id == cast.acme.pk
    assert event.detail == {"scopes": ["keys:read"], "owner": "Acme"}


def test_the_owner_of_an_organization_makes_a_key_for_it(cast: Cast, alice: Api) -> None:
    made = alice.post("api-keys", {"name": "CI", "organization": str(cast.acme.uuid)})
    row = ApiKey.objects.get(uuid=made.json()["id"])
    assert (row.user, row.organization) == (None, cast.acme)


def test_a_key_of_an_organization_makes_keys_of_that_organization(cast: Cast) -> None:
    made = with_key(make_key(cast.acme, "keys:write")).post("api-keys", {"name": "child"})
    assert made.status_code == 201, made.content
    assert ApiKey.objects.get(uuid=made.json()["id"]).organization == cast.acme


def test_a_key_for_the_test_environment_looks_like_one(alice: Api) -> None:
    made = alice.post("api-keys", {"name": "CI", "environment": "test"}).json()
    assert made["key"].startswith("kh_test_")
    assert alice.get(f"api-keys/{made['id']}").json()["environment"] == "test"


@pytest.mark.parametrize("organization", ["umbrella", "unknown", "malformed", "acme as developer"])
def test_an_organization_in_which_the_caller_cannot_create_keys_looks_nonexistent(
    cast: Cast, organization: str
) -> None:
    asks = as_user(cast.bob)
    ids = {
        "umbrella": cast.umbrella.uuid,
        "unknown": uuid4(),
        "malformed": "x",
        "acme as developer": cast.acme.uuid,
    }
    refused = asks.post("api-keys", {"name": "CI", "organization": str(ids[organization])})
    problem = assert_problem(refused, 400, "invalid", "organization")
    assert problem["detail"] == "organization: does not exist, or you may not create keys for it"
    assert not ApiKey.objects.exists()


WRONG: list[tuple[str, Any]] = [
    ("name", {}),
    ("name", {"name": ""}),
    ("name", {"name": "   "}),
    ("name", {"name": None}),
    ("name", {"name": 5}),
    ("name", {"name": True}),
    ("name", {"name": ["CI"]}),
    ("name", {"name": "x" * 101}),
    ("name", {"name": "x" * 5_000}),
    ("name", {"name": "नाम" * 1_700}),
    ("name", {"name": "a\nb"}),
    ("name", {"name": "a\x00b"}),
    ("name", {"name": "a\x1b[31mb"}),
    ("name", {"name": "a\u202eb"}),
    ("scopes", {"name": "CI", "scopes": "keys:read"}),
    ("scopes", {"name": "CI", "scopes": None}),
    ("scopes", {"name": "CI", "scopes": {"keys:read": True}}),
    ("scopes", {"name": "CI", "scopes": ["keys:read", "keys:fly"]}),
    ("scopes", {"name": "CI", "scopes": ["KEYS:READ"]}),
    ("scopes", {"name": "CI", "scopes": ["keys:read"] * 201}),
    ("scopes.0", {"name": "CI", "scopes": [5]}),
    ("scopes.0", {"name": "CI", "scopes": [None]}),
    ("scopes.1", {"name": "CI", "scopes": ["keys:read", ["keys:read"]]}),
    ("scopes.0", {"name": "CI", "scopes": ["x" * 5_000]}),
    ("environment", {"name": "CI", "environment": "moon"}),
    ("environment", {"name": "CI", "environment": ""}),
    ("environment", {"name": "CI", "environment": None}),
    ("environment", {"name": "CI", "environment": 1}),
    ("organization", {"name": "CI", "organization": 1}),
    ("organization", {"name": "CI", "organization": None}),
    ("organization", {"name": "CI", "organization": ""}),
    ("organization", {"name": "CI", "organization": "x" * 5_000}),
    ("user", {"name": "CI", "user": "someone"}),
    ("nam\\xe9", {"name": "CI", "namé": 1}),
]


@pytest.mark.parametrize(("member", "body"), WRONG)
def test_what_is_wrong_is_refused_by_the_member_s_name_and_nothing_is_written(
    alice: Api, member: str, body: dict[str, Any]
) -> None:
    assert_problem(alice.post("api-keys", body), 400, "invalid", member)
    assert not ApiKey.objects.exists()
    assert not Event.objects.filter(name="api_key:created").exists()


@pytest.mark.parametrize(
    "body", ["[]", "null", '"x"', "5", "", "{", '{"name": "a", "name": "b"}', '{"name": NaN}']
)
def test_a_body_that_is_not_an_object_is_refused(alice: Api, body: str) -> None:
    sent = alice.client.post("/api/v1/api-keys", body, content_type="application/json")
    assert_problem(sent, 400)


def test_a_lone_surrogate_in_a_name_is_refused(alice: Api) -> None:
    sent = alice.client.post("/api/v1/api-keys", b'{"name": "a\\ud800"}', content_type="application/json")
    assert_problem(sent, 400, "invalid", "name")


def test_a_form_is_not_taken_for_json(alice: Api) -> None:
    sent = alice.client.post("/api/v1/api-keys", "name=CI", content_type="application/x-www-form-urlencoded")
    assert_problem(sent, 415)


@pytest.mark.parametrize(
    "name", ["x" * 100, "ключ 🔑", "नाम", "O'Neil & <b>", 'a"b\\c', "{{ 7*7 }}", "=cmd()", "🔑" * 100]
)
def test_any_printable_name_is_kept_as_it_is(alice: Api, name: str) -> None:
    made = alice.post("api-keys", {"name": name})
    assert made.status_code == 201, made.content
    assert alice.get(f"api-keys/{made.json()['id']}").json()["name"] == name


def test_an_unknown_scope_is_answered_with_the_existing_scopes(alice: Api) -> None:
    problem = assert_problem(alice.post("api-keys", {"name": "CI", "scopes": ["sérvices"]}), 400)
    assert "'s\\xe9rvices' is not a scope; the scopes are: services:read, services:write" in problem["detail"]


def test_two_keys_may_have_one_name(alice: Api) -> None:
    assert [alice.post("api-keys", {"name": "CI"}).status_code for _ in range(2)] == [201, 201]
