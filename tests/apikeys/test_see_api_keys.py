"""GET api-keys and api-keys/{id}: which keys each caller sees, page by page."""

from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from apikeys.services.api_keys import NewKey
from tests.conftest import Api, Cast, as_user, assert_problem, make_key, with_key

NOT_IDS = [
    "-1",
    "1",
    "0",
    str(2**63),
    str(10**30),
    " 1",
    "\u0661",
    "None",
    "x",
    "%00",
    "..",
    "%2e%2e",
    "a" * 5_000,
    "{}",
    "*",
]


@pytest.fixture
def everybodys(cast: Cast) -> dict[str, NewKey]:
    people = {name: getattr(cast, name) for name in ("ada", "alice", "bob", "charlie", "mallory")}
    owners = people | {"acme": cast.acme, "umbrella": cast.umbrella}
    return {name: make_key(owner, name=f"{name}'s") for name, owner in owners.items()}


def names(api: Api) -> set[str]:
    return {key["name"] for key in api.get("api-keys").json()["results"]}


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        ("ada", "ada alice bob charlie mallory acme umbrella"),
        ("audrey", "ada alice bob charlie mallory acme umbrella"),
        ("alice", "alice acme"),
        ("bob", "bob acme"),
        ("charlie", "charlie umbrella"),
        ("mallory", "mallory"),
    ],
)
@pytest.mark.requirement(46)
def test_everybody_sees_the_keys_that_are_theirs_to_see_and_404_for_the_rest(
    cast: Cast, everybodys: dict[str, NewKey], who: str, sees: str
) -> None:
    api = as_user(getattr(cast, who))
    assert names(api) == {f"{name}'s" for name in sees.split()}
    for name, key in everybodys.items():
        answer = api.get(f"api-keys/{key.row.uuid}")
        if name in sees.split():
            assert answer.json()["name"] == f"{name}'s"
        else:
            assert_problem(answer, 404, "not_found")


@pytest.mark.requirement(46)
def test_what_is_another_s_looks_like_what_is_not_there(cast: Cast, everybodys: dict[str, NewKey]) -> None:
    mallory = as_user(cast.mallory)
    others = mallory.get(f"api-keys/{everybodys['ada'].row.uuid}")
    assert others.content == mallory.get(f"api-keys/{uuid4()}").content


def test_a_key_of_an_organization_sees_the_keys_of_that_organization(
    cast: Cast, everybodys: dict[str, NewKey]
) -> None:
    program = with_key(make_key(cast.acme, "keys:read", name="itself"))
    assert names(program) == {"acme's", "itself"}
    assert_problem(program.get(f"api-keys/{everybodys['umbrella'].row.uuid}"), 404, "not_found")
    assert_problem(program.get(f"api-keys/{everybodys['alice'].row.uuid}"), 404, "not_found")


def test_a_key_of_a_person_sees_what_the_person_sees(cast: Cast, everybodys: dict[str, NewKey]) -> None:
    assert names(with_key(make_key(cast.bob, "keys:read", name="itself"))) == {"bob's", "acme's", "itself"}


@pytest.mark.parametrize("method", ["get", "patch", "delete"])
@pytest.mark.parametrize("text", NOT_IDS)
@pytest.mark.requirement(95)
def test_a_malformed_id_is_404(cast: Cast, method: str, text: str) -> None:
    body = {"body": {"name": "x"}} if method == "patch" else {}
    answer = getattr(as_user(cast.ada), method)(f"api-keys/{quote(text, safe='%')}", **body)
    assert_problem(answer, 404)


@pytest.mark.requirement(95)
def test_an_id_in_another_spelling_than_capitals_is_404(cast: Cast) -> None:
    ada, key = as_user(cast.ada), make_key(cast.ada).row
    for text in (
        key.uuid.hex,
        f"{{{key.uuid}}}",
        f"urn:uuid:{key.uuid}",
        f"{key.uuid}\n",
    ):
        assert_problem(ada.get(f"api-keys/{quote(text)}"), 404)
    assert ada.get(f"api-keys/{str(key.uuid).upper()}").status_code == 200  # RFC 9562 section 4


def test_a_key_is_described_by_these_members_in_this_order(cast: Cast) -> None:
    key = make_key(cast.acme, "services:read", name="CI").row
    shown = as_user(cast.alice).get(f"api-keys/{key.uuid}").json()
    assert list(shown) == [
        "id", "name", "key_prefix", "environment", "scopes", "user", "organization", "status",
        "expires_at", "created_at", "revoked_at", "disabled_at", "allowed_networks", "rate_limit",
        "description", "metadata", "last_used_at", "last_used_ip", "use_count",
    ]  # fmt: skip
    assert (shown["user"], shown["organization"], shown["status"]) == (None, str(cast.acme.uuid), "active")
    assert shown["key_prefix"].startswith("kh_live_") and len(shown["key_prefix"]) == 12


def pages(api: Api, start: str) -> list[list[dict[str, Any]]]:
    """Follow the links from `start`, and yield the results of each page."""
    found, following = [], start
    while following:
        page = api.client.get(following).json()
        found.append(page["results"])
        following = page["next"]
    return found


@pytest.mark.requirement(54)
def test_a_list_comes_in_pages_newest_first_each_key_once(cast: Cast) -> None:
    made = [make_key(cast.alice, name=f"key {number}").row for number in range(7)]
    found = pages(as_user(cast.alice), "/api/v1/api-keys?page_size=3")
    assert [len(page) for page in found] == [3, 3, 1]
    assert [key["id"] for page in found for key in page] == [str(row.uuid) for row in reversed(made)]


@pytest.mark.requirement(54)
def test_a_key_made_meanwhile_moves_no_page(cast: Cast) -> None:
    made = [make_key(cast.alice, name=f"key {number}").row for number in range(4)]
    alice = as_user(cast.alice)
    first = alice.get("api-keys?page_size=2").json()
    make_key(cast.alice, name="meanwhile")
    second = alice.client.get(first["next"]).json()
    assert [key["id"] for key in second["results"]] == [str(row.uuid) for row in reversed(made[:2])]
    back = alice.client.get(second["previous"]).json()
    assert [key["id"] for key in back["results"]] == [str(row.uuid) for row in reversed(made[2:])]


@pytest.mark.requirement(54)
def test_the_page_size_is_capped_at_200(cast: Cast) -> None:
    for number in range(201):
        make_key(cast.alice, name=f"key {number}")
    alice = as_user(cast.alice)
    assert len(alice.get("api-keys?page_size=1000000").json()["results"]) == 200
    assert len(alice.get("api-keys").json()["results"]) == 50


@pytest.mark.parametrize("size", ["0", "-1", "x", "1.5", "", "1e3", "٣", "9" * 40, "%00"])
def test_a_page_size_that_is_not_a_number_is_400(cast: Cast, size: str) -> None:
    assert_problem(as_user(cast.alice).get(f"api-keys?page_size={size}"), 400, "invalid", "page_size")


@pytest.mark.parametrize(
    "cursor", ["x", "%ff", "cD1hYmM=", "cD0tMQ==", "cD0wJTAw", "bz14", "😀", "a" * 4_000]
)
def test_a_cursor_that_keyhouse_did_not_make_is_400(cast: Cast, cursor: str) -> None:
    make_key(cast.alice)
    assert_problem(
        as_user(cast.alice).get(f"api-keys?cursor={quote(cursor, safe='%')}"), 400, "invalid", "cursor"
    )


def test_a_cursor_beyond_all_keys_gives_an_empty_page(cast: Cast) -> None:
    make_key(cast.alice)
    assert as_user(cast.alice).get("api-keys?cursor=cD0w").json()["results"] == []


def test_a_list_costs_the_same_queries_however_long_it_is(cast: Cast, django_assert_num_queries: Any) -> None:
    alice = as_user(cast.alice)
    for count in (1, 20):
        for _ in range(count):
            make_key(cast.alice), make_key(cast.acme)
        with django_assert_num_queries(2):
            assert alice.get("api-keys").status_code == 200
