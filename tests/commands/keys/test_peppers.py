"""peppers: what is stored under which pepper, and which can be removed."""

from typing import Any

import pytest

from accounts.models import RecoveryCode
from apikeys.models import ApiKey
from apikeys.services.known_secrets import check_secrets
from apikeys.usage import counting
from oauth.models import OAuthClient
from tests.accounts.authenticator import enrolled
from tests.commands.helpers import output_of, run
from tests.conftest import Cast, make_key, with_key
from tests.oauth.flow import make_client

ONE, TWO = bytes(range(32)), bytes(range(1, 33))


@pytest.fixture
def two_peppers(settings: Any) -> None:
    settings.PEPPERS = {1: ONE, 2: TWO}
    settings.CURRENT_PEPPER = 1


def listed() -> dict[int | None, Any]:
    return {each["pepper"]: each for each in run("peppers")}


def test_each_pepper_has_its_keys_codes_and_clients(cast: Cast, two_peppers: None, settings: Any) -> None:
    used = make_key(cast.alice, "keys:read")
    make_key(cast.bob)
    enrolled(cast.alice)
    make_client("services:read", owner=cast.acme)
    assert with_key(used).get("scopes").status_code == 200
    counting.flush()
    first, second = listed()[1], listed()[2]
    assert (first["state"], first["removable"]) == ("current", False)
    assert (first["api_keys"], first["recovery_codes"], first["oauth2_clients"]) == (2, 10, 1)
    assert first["last_used_at"] is not None
    assert (second["state"], second["api_keys"], second["last_used_at"]) == ("known", 0, None)
    settings.CURRENT_PEPPER = 2
    assert [each["state"] for each in run("peppers")] == ["known", "current"]


def test_a_pepper_can_be_removed_once_nothing_needs_it_and_it_is_not_current(
    cast: Cast, two_peppers: None, settings: Any
) -> None:
    key = make_key(cast.alice, "keys:read")
    settings.CURRENT_PEPPER = 2
    assert not listed()[1]["removable"]
    assert with_key(key).get("scopes").status_code == 200
    assert listed()[1]["removable"] and not listed()[2]["removable"]
    enrolled(cast.alice)
    RecoveryCode.objects.update(pepper=1)
    assert not listed()[1]["removable"]


def test_revoked_keys_need_no_pepper(cast: Cast, two_peppers: None, settings: Any) -> None:
    key = make_key(cast.alice)
    ApiKey.objects.filter(pk=key.row.pk).update(revoked_at=key.row.created_at)
    settings.CURRENT_PEPPER = 2
    assert (listed()[1]["api_keys"], listed()[1]["removable"]) == (0, True)


def test_rows_without_their_pepper_are_listed_too(cast: Cast, two_peppers: None, settings: Any) -> None:
    make_key(cast.alice)
    make_client("services:read", owner=cast.acme)
    OAuthClient.objects.update(pepper=None)
    settings.PEPPERS, settings.CURRENT_PEPPER = {2: TWO}, None
    assert [(each["pepper"], each["state"]) for each in run("peppers")] == [
        (None, "unnumbered"),
        (1, "missing"),
        (2, "current"),
    ]


def test_a_pepper_whose_value_has_changed_is_missing(cast: Cast, two_peppers: None, settings: Any) -> None:
    check_secrets()
    settings.PEPPERS = {1: TWO, 2: ONE}
    assert [each["state"] for each in run("peppers")] == ["missing", "missing"]


def test_the_table_says_since_when_a_pepper_is_known(cast: Cast, two_peppers: None) -> None:
    assert listed()[1]["known_since"] is None
    check_secrets()
    lines = output_of("peppers").splitlines()
    assert lines[0].split() == [
        *("pepper", "state", "known_since", "api_keys", "last_used_at", "recovery_codes", "oauth2_clients"),
        "removable",
    ]
    assert lines[1].split()[:2] == ["1", "current"] and lines[1].split()[-1] == "no"
    assert listed()[1]["known_since"].endswith("Z")


def test_the_list_costs_as_many_queries_with_many_keys(
    cast: Cast, two_peppers: None, django_assert_num_queries: Any
) -> None:
    for _ in range(5):
        make_key(cast.alice)
    with django_assert_num_queries(4):
        run("peppers")
