"""CHECKLIST 95: public ids in each of their three forms, and malformed ids."""

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from apikeys.models import ApiKey
from config import profiles
from config.profiles import Profile
from config.wire import ids
from tests.commands.helpers import run
from tests.config.profile_texts import DIALECT
from tests.conftest import PASSWORD, Api, Cast, assert_problem, make_key, with_key
from tests.gateway.routing import row, with_routes

pytestmark = pytest.mark.once

BASE = "/v2/product"
FORMS = ("integer", "uuid", "prefixed")
NO_IDS = [
    "-1",
    "0",
    "00",
    "+1",
    "1.0",
    "1e0",
    "0x1",
    "1_0",
    str(2**63 - 1),
    str(2**63),
    str(10**30),
    "9" * 5000,
    "%201",
    "1%20",
    "1%0a",
    "%D9%A1",
    "%EF%BC%91",
    "%00",
    "%ff",
    "null",
    "key_",
    "key_0",
    "key_" + "z" * 22,
    "key_" + "0" * 23,
    "key_" + "%D9%A1" * 22,
    "KEY_" + "0" * 22,
    "usr_" + "0" * 22,
    str(UUID(int=0)),
    "{00000000-0000-0000-0000-000000000001}",
    "urn:uuid:00000000-0000-0000-0000-000000000001",
    "0" * 32,
    "00000000-0000-0000-0000-000000000001%0a",
    "..",
]


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest, served_profile: Callable[[Profile], None]) -> str:
    text = DIALECT.replace('ids = "prefixed"', f'ids = "{request.param}"')
    served_profile(profiles.parse(text, source="test"))
    return str(request.param)


@pytest.fixture
def ada(form: str, cast: Cast) -> Api:
    login = Api().post(f"{BASE}/auth/login", {"username": "ada", "password": PASSWORD}).json()["data"]
    return Api({"Authorization": f"Bearer {login['accessToken']}"})


@pytest.mark.requirement(95)
def test_a_malformed_id_is_not_found(ada: Api, cast: Cast) -> None:
    make_key(cast.alice)
    for text in NO_IDS:
        for method in (ada.get, ada.delete):
            assert_problem(method(f"{BASE}/api-keys/{text}"), 404, "not_found")
        assert_problem(ada.patch(f"{BASE}/api-keys/{text}", {"name": "x"}), 404, "not_found")
    assert not ApiKey.objects.filter(revoked_at__isnull=False).exists()


def test_an_id_that_was_shown_finds_its_row(ada: Api, cast: Cast, form: str) -> None:
    key = make_key(cast.alice).row
    shown = ada.get(f"{BASE}/api-keys").json()["data"][0]["id"]
    assert isinstance(shown, int if form == "integer" else str)
    assert ada.get(f"{BASE}/api-keys/{shown}").json()["data"]["name"] == key.name
    assert ada.delete(f"{BASE}/api-keys/{shown}").status_code == 204


def test_a_row_has_one_id_and_not_those_of_other_forms(ada: Api, cast: Cast, form: str) -> None:
    key = make_key(cast.alice).row
    others = {"integer": str(key.pk), "uuid": str(key.uuid)}
    others.pop(form, None)
    for other in [*others.values(), key.uuid.hex, key.uuid.hex.upper(), key.uuid.urn, f"{{{key.uuid}}}"]:
        assert_problem(ada.get(f"{BASE}/api-keys/{other}"), 404, "not_found")


@pytest.mark.requirement(114)
def test_a_uuid_may_be_sent_in_capitals(ada: Api, cast: Cast, form: str) -> None:
    """RFC 9562 section 4: in a path, a body and X-Organization; in the other forms it is not an id."""
    key, acme = make_key(cast.alice).row, str(cast.acme.uuid)
    status = 200 if form == "uuid" else 404
    for text in (str(key.uuid).upper(), str(key.uuid).title()):
        assert ada.get(f"{BASE}/api-keys/{text}").status_code == status
    made = ada.post(f"{BASE}/api-keys", {"name": "acme's", "organization": acme.upper()})
    assert made.status_code == (201 if form == "uuid" else 400), made.content
    with profiles.override(with_routes(row("GET", "/any"))):
        asked = {"X-Original-Method": "GET", "X-Original-URI": "/any", "X-Organization": acme.upper()}
        answer = with_key(make_key(cast.alice)).get("/gateway/check", headers=asked)
    assert answer.status_code == (200 if form == "uuid" else 403)


@pytest.mark.requirement(114)
def test_commands_take_ids_in_capitals(cast: Cast) -> None:
    made = run("createapikey", "--name", "CI", "--user", "alice")
    assert run("revokeapikey", made["id"].upper())["revoked"] == 1


def test_a_service_can_find_the_key_that_asks_by_the_id_that_the_gateway_says(
    ada: Api, cast: Cast, form: str
) -> None:
    key = make_key(cast.alice)
    with profiles.override(with_routes(row("GET", "/any"))):
        asked = {"X-Original-Method": "GET", "X-Original-URI": "/any"}
        told = with_key(key).get("/gateway/check", headers=asked).headers
    credential, subject = told["X-Auth-Credential"], told["X-Auth-Subject"]
    assert (
        ada.get(f"{BASE}/api-keys/{credential.removeprefix('key:')}").json()["data"]["name"] == key.row.name
    )
    assert (credential == f"key:{key.row.uuid}") == (form == "uuid")
    assert subject == str(cast.alice.uuid)


def test_an_id_that_was_shown_can_be_sent_in_a_body(ada: Api, cast: Cast) -> None:
    body = {"name": "acme's", "organization": ids.public_id("organization", cast.acme)}
    response = ada.post(f"{BASE}/api-keys", body)
    assert response.status_code == 201, response.content
    assert ApiKey.objects.get().organization_id == cast.acme.pk


@pytest.mark.parametrize("number", [0, 1, 61, 62, 2**64, 2**127, 2**128 - 1])
def test_prefixed_ids_are_one_to_one(number: int, served_profile: Callable[[Profile], None]) -> None:
    served_profile(profiles.parse(DIALECT, source="test"))
    row = ApiKey(uuid=UUID(int=number))
    shown = str(ids.public_id("api_key", row))
    assert len(shown) == len("key_") + 22
    assert ids.lookup("api_key", shown) == {"uuid": row.uuid}


def test_prefixed_ids_differ(served_profile: Callable[[Profile], None]) -> None:
    served_profile(profiles.parse(DIALECT, source="test"))
    assert len({ids.public_id("api_key", ApiKey(uuid=uuid4())) for _ in range(1000)}) == 1000
