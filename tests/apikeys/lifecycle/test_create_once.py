"""A key that is created or rotated with an Idempotency-Key exists once, and its text is told once."""

import pytest

from apikeys.models import ApiKey
from apikeys.services.enabling import disable_api_keys
from tests.accounts.helpers import caller_as
from tests.accounts.idempotency.creating import is_replayed, send
from tests.conftest import Api, Cast, as_user, make_key, with_key


@pytest.fixture
def alice(cast: Cast) -> Api:
    return as_user(cast.alice)


def test_a_lost_text_is_replaced_by_rotating_the_key(alice: Api) -> None:
    send(alice, "api-keys", {"name": "CI"})
    again = send(alice, "api-keys", {"name": "CI"})
    assert again.json()["key"] is None
    assert again.headers["Link"] == f'<{again.json()["rotate"]}>; rel="related"; title="rotate"'
    rotated = alice.post(again.json()["rotate"], {})
    assert rotated.status_code == 201
    assert with_key(rotated.json()["key"]).get("auth/me").status_code == 200


def test_a_first_answer_names_no_rotation(alice: Api) -> None:
    made = send(alice, "api-keys", {"name": "CI"})
    assert "rotate" not in made.json()
    assert "Link" not in made.headers


@pytest.mark.parametrize("members", [{}, {"overlap": "24h"}], ids=["at once", "with an overlap"])
def test_a_key_is_rotated_once(cast: Cast, alice: Api, members: dict[str, str]) -> None:
    path = f"api-keys/{make_key(cast.alice).row.uuid}/rotate"
    first, again = (send(alice, path, members) for _ in range(2))
    assert (again.status_code, is_replayed(again)) == (201, True), again.content
    made = first.json()
    rotate = f"/api/v1/api-keys/{made['id']}/rotate"
    assert again.json() == made | {"key": None, "rotate": rotate}
    assert ApiKey.objects.count() == 2
    last = alice.post(again.json()["rotate"], {})
    assert last.status_code == 201


def test_a_program_rotates_its_own_key_once(cast: Cast) -> None:
    program = make_key(cast.alice, "keys:write")
    path = f"api-keys/{program.row.uuid}/rotate"
    first, again = (send(with_key(program), path, {"overlap": 3600}) for _ in range(2))
    assert (first.status_code, again.status_code, is_replayed(again)) == (201, 201, True)
    assert again.json()["predecessor_ends_at"] == first.json()["predecessor_ends_at"]


def test_the_members_of_a_repeated_creation_are_those_of_now(cast: Cast, alice: Api) -> None:
    made = send(alice, "api-keys", {"name": "CI"}).json()
    alice.patch(f"api-keys/{made['id']}", {"name": "Nightly"})
    disable_api_keys(caller=caller_as(cast.alice), selected=ApiKey.objects.filter(uuid=made["id"]))
    again = send(alice, "api-keys", {"name": "CI"})
    present = alice.get(f"api-keys/{made['id']}").json()
    assert (present["name"], present["status"]) == ("Nightly", "disabled")
    assert again.json() == made | present | {"key": None, "rotate": again.json()["rotate"]}


def test_members_are_compared_by_their_values(alice: Api) -> None:
    whole = {"name": "CI", "expires_at": "2099-01-01T12:00:00Z", "rate_limit": {"requests": 5, "seconds": 1}}
    turned = dict(reversed(whole.items())) | {"expires_at": "2099-01-01T12:00:00+00:00"}
    assert send(alice, "api-keys", whole).status_code == 201
    assert is_replayed(send(alice, "api-keys", turned))
    other = whole | {"rate_limit": {"requests": 6, "seconds": 1}}
    assert send(alice, "api-keys", other).status_code == 422
