"""The forms of an Idempotency-Key, and where it counts."""

import pytest

from accounts.models import IdempotentRequest, Organization
from tests.accounts.idempotency.creating import KEY, is_replayed, send
from tests.conftest import PASSWORD, Api, Cast, as_user, assert_problem


@pytest.fixture
def ada(cast: Cast) -> Api:
    return as_user(cast.ada)


@pytest.mark.parametrize(
    "key",
    [
        "x",
        KEY,
        "A" * 255,
        "!#$%&'()*+-./:;<=>?@[\\]^_`{|}~",
        '"' + "B" * 255 + '"',
        '"with spaces, and a comma"',
        r'"a \"quoted\" \\ word"',
    ],
)
def test_a_key_is_visible_ascii_in_quotes_or_without(ada: Api, key: str) -> None:
    made, again = (send(ada, "organizations", {"name": "Initech"}, key) for _ in range(2))
    assert (made.status_code, is_replayed(made)) == (201, False), made.content
    assert is_replayed(again)


def test_a_key_means_the_same_with_quotes_and_without(ada: Api) -> None:
    assert send(ada, "organizations", {"name": "Initech"}, KEY).status_code == 201
    assert is_replayed(send(ada, "organizations", {"name": "Initech"}, f'"{KEY}"'))


@pytest.mark.parametrize(
    "key",
    [
        "",
        '""',
        "A" * 256,
        "A" * 5_000,
        '"' + "B" * 256 + '"',
        "with spaces",
        "one,two",
        '"one","two"',
        '"one";parameter=1',
        '"unclosed',
        r'"a wrong \escape"',
        "schl\u00fcssel",
        "\u043a\u043b\u044e\u0447",
        '"schl\u00fcssel"',
        "tab\tulator",
    ],
)
def test_another_key_is_refused_in_a_sentence(ada: Api, key: str) -> None:
    problem = assert_problem(send(ada, "organizations", {"name": "Initech"}, key), 400, "invalid_request")
    assert problem["detail"].startswith(
        "Idempotency-Key must be one key of 1 to 255 visible ASCII characters"
    )
    assert not Organization.objects.filter(name="Initech").exists()


def test_where_nothing_is_created_the_header_is_ignored(cast: Cast) -> None:
    wrong = {"Idempotency-Key": "A" * 5_000}
    login = {"username": "ada", "password": PASSWORD}
    assert Api(wrong).post("auth/login", login).status_code == 200
    ada = as_user(cast.ada)
    assert ada.get("users", headers=wrong).status_code == 200
    changed = ada.patch(f"organizations/{cast.acme.uuid}", {"name": "Acme Ltd"}, headers=wrong)
    assert changed.status_code == 200
    assert not IdempotentRequest.objects.exists()
