"""Numbered peppers: the highest is for new digests, and older ones work until they are removed."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from apikeys.at_rest import key_text
from apikeys.models import ApiKey
from apikeys.services.api_keys import NewKey
from tests.conftest import Cast, assert_problem, make_key, with_key

OLD, NEW = b"o" * 32, b"n" * 32


@pytest.fixture
def old_key(cast: Cast, settings: Any) -> NewKey:
    settings.PEPPERS = {1: OLD}
    return make_key(cast.alice, "keys:read")


def stored(key: NewKey) -> tuple[int, bytes]:
    row = ApiKey.objects.get(pk=key.row.pk)
    return row.pepper, bytes(row.digest)


def columns(key: NewKey) -> dict[str, Any]:
    return dict(ApiKey.objects.filter(pk=key.row.pk).values().get())


def test_a_key_moves_to_the_current_pepper_when_it_is_used(old_key: NewKey, settings: Any) -> None:
    assert stored(old_key) == (1, key_text.digest(old_key.text, OLD))
    settings.PEPPERS = {1: OLD, 2: NEW}
    assert stored(old_key)[0] == 1
    assert with_key(old_key).get("api-keys").status_code == 200
    assert stored(old_key) == (2, key_text.digest(old_key.text, NEW))
    settings.PEPPERS = {2: NEW}
    assert with_key(old_key).get("api-keys").status_code == 200


def test_a_key_under_a_removed_pepper_is_refused(old_key: NewKey, settings: Any) -> None:
    settings.PEPPERS = {2: NEW}
    assert_problem(with_key(old_key).get("api-keys"), 401, "invalid_token")
    settings.PEPPERS = {1: OLD, 2: NEW}
    assert with_key(old_key).get("api-keys").status_code == 200


def test_new_keys_are_made_with_the_highest_pepper_whatever_the_order(cast: Cast, settings: Any) -> None:
    settings.PEPPERS = {10: NEW, 9: OLD}
    assert stored(make_key(cast.alice))[0] == 10


def test_a_pepper_can_be_known_before_it_is_current(cast: Cast, old_key: NewKey, settings: Any) -> None:
    settings.PEPPERS, settings.CURRENT_PEPPER = {1: OLD, 2: NEW}, 1
    assert with_key(old_key).get("api-keys").status_code == 200
    assert stored(old_key)[0] == stored(make_key(cast.alice))[0] == 1
    settings.CURRENT_PEPPER = 2
    assert with_key(old_key).get("api-keys").status_code == 200
    assert stored(old_key)[0] == stored(make_key(cast.alice))[0] == 2


def test_a_server_that_does_not_use_the_new_pepper_yet_takes_keys_under_it_and_leaves_them(
    old_key: NewKey, settings: Any
) -> None:
    settings.PEPPERS, settings.CURRENT_PEPPER = {1: OLD, 2: NEW}, 2
    assert with_key(old_key).get("api-keys").status_code == 200
    settings.CURRENT_PEPPER = 1
    assert with_key(old_key).get("api-keys").status_code == 200
    assert stored(old_key) == (2, key_text.digest(old_key.text, NEW))


def test_a_refused_key_keeps_its_pepper(old_key: NewKey, settings: Any) -> None:
    ApiKey.objects.filter(pk=old_key.row.pk).update(revoked_at=old_key.row.created_at)
    settings.PEPPERS = {1: OLD, 2: NEW}
    assert_problem(with_key(old_key).get("api-keys"), 401, "invalid_token")
    assert stored(old_key)[0] == 1


def test_moving_costs_one_write_and_only_the_first_time(
    old_key: NewKey, settings: Any, django_assert_num_queries: Any
) -> None:
    settings.PEPPERS = {1: OLD, 2: NEW}
    for queries in (2, 1, 1):
        with django_assert_num_queries(queries):
            assert with_key(old_key).get("scopes").status_code == 200


def test_moving_writes_nothing_but_pepper_and_digest(old_key: NewKey, settings: Any) -> None:
    before = columns(old_key)
    settings.PEPPERS = {1: OLD, 2: NEW}
    with_key(old_key).get("scopes")
    after = columns(old_key)
    assert {name for name in before if before[name] != after[name]} == {"pepper", "digest"}


@pytest.mark.django_db(transaction=True)
def test_a_key_used_by_many_at_once_moves_once_and_lets_all_in(old_key: NewKey, settings: Any) -> None:
    settings.PEPPERS = {1: OLD, 2: NEW}
    together = threading.Barrier(4)

    def use(_: int) -> int:
        together.wait()
        try:
            return int(with_key(old_key).get("scopes").status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(use, range(4))) == [200] * 4
    assert stored(old_key) == (2, key_text.digest(old_key.text, NEW))
