"""The search finds keys by words of their name, the beginning of the key, their owner, and a scope."""

import pytest
from django.db import connection
from django.db.models import Q

from apikeys.models import ApiKey
from apikeys.predicates import matching, with_scope
from tests.conftest import Cast, make_key

pytestmark = pytest.mark.databases


@pytest.fixture
def keys(cast: Cast) -> None:
    make_key(cast.bob, "services:read", name="Stock service")
    make_key(cast.alice, "keys:read", name="nightly-export/v2")
    make_key(cast.umbrella, "services:read", name="Kiosk")


def found(condition: Q) -> set[str]:
    return set(ApiKey.objects.filter(condition).values_list("name", flat=True))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Stock", {"Stock service"}),
        ("stock SERV", {"Stock service"}),
        ("service", {"Stock service"}),
        ("export", {"nightly-export/v2"}),
        ("nightly-export", {"nightly-export/v2"}),
        ("bob", {"Stock service"}),
        ("ALICE@exam", {"nightly-export/v2"}),
        ("umbr", {"Kiosk"}),
        ("nothing", set()),
        ("'--", set()),
        ("& | ! :*", set()),
        ("x" * 10_000, set()),
    ],
)
def test_a_search_finds_names_and_owners(keys: None, text: str, names: set[str]) -> None:
    assert found(matching(text)) == names


def test_a_search_finds_how_a_key_begins(keys: None) -> None:
    key = ApiKey.objects.get(name="Kiosk")
    assert "Kiosk" in found(matching(key.key_prefix))


def test_keys_are_found_by_a_scope(keys: None) -> None:
    assert found(with_scope("services:read")) == {"Stock service", "Kiosk"}
    assert found(with_scope("services")) == set()


def test_no_search_reads_all_keys(keys: None) -> None:
    if connection.vendor != "postgresql":  # only PostgreSQL has the indexes of migration 0001_initial
        pytest.skip("SQLite has no index of words, and reads the rows")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = ApiKey.objects.filter(matching("stock service")).order_by().explain()
    assert "api_key_by_words" in plan and "Seq Scan on apikeys_apikey" not in plan
    assert "api_key_by_scope" in ApiKey.objects.filter(with_scope("keys:read")).order_by().explain()
