"""What lists can be sorted by: every column that has an index, in the order of the index."""

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import F, Model

from access.backoffice.changelist import in_order_of_index
from accounts.models import Session, User
from apikeys.models import ApiKey
from audit.models import Event
from tests.admin.helpers import page
from tests.conftest import Cast, make_key
from tests.logins import browser

LISTS = [pytest.param(model, id=model.__name__) for model in admin.site._registry]
BEGINNINGS = {"actor_label", "target_label"}  # indexes of beginnings (text_pattern_ops) order nothing


def indexed(model: type[Model]) -> set[str]:
    """The columns by which an index can order the rows of a model."""
    columns: Any = model._meta.concrete_fields
    fields = {each.name for each in columns if each.db_index or each.unique}
    composed = {each.fields[0] for each in model._meta.indexes if each.fields and each.condition is None}
    return (fields | composed) - BEGINNINGS


@pytest.mark.once
@pytest.mark.parametrize("model", LISTS)
def test_every_column_with_an_index_can_be_sorted_by(cast: Cast, model: type[Model]) -> None:
    name = page(f"{model._meta.app_label}_{model._meta.model_name}_changelist")
    shown = browser(cast.ada).get(name).context["cl"]
    own = shown.model_admin
    columns = {
        name: getattr(getattr(own, str(name), None), "admin_order_field", name) for name in shown.list_display
    }
    missed = {name for name, column in columns.items() if column in indexed(model)} - set(shown.sortable_by)
    assert not missed


@pytest.mark.once
def test_equal_rows_are_read_in_the_direction_of_the_index() -> None:
    both = {"name": ["name", "pk"], "-name": ["-name", "-pk"]}
    assert {first: in_order_of_index(ApiKey, [first, "-pk"]) for first in both} == both
    opposite = {"ip": ["ip", "-pk"], "-ip": ["-ip", "pk"]}
    assert {first: in_order_of_index(Event, [first, "-pk"]) for first in opposite} == opposite
    assert in_order_of_index(Session, ["ip", "-pk"]) == ["ip", "-pk"]
    assert in_order_of_index(User, ["-pk"]) == ["-pk"]
    others: list[list[Any]] = [["description", "-pk"], ["name", "pk"], [F("name").asc(), "-pk"]]
    assert [in_order_of_index(ApiKey, order) for order in others] == others


def test_a_list_is_sorted_by_the_columns_in_its_address(cast: Cast) -> None:
    for name, environment in (("b", "live"), ("a", "test"), ("c", "live")):
        make_key(cast.bob, name=name, environment=environment)
    ada, keys = browser(cast.ada), page("apikeys_apikey_changelist")
    shown = {order: ada.get(keys, {"o": order}).context["cl"] for order in ("", "1", "-1", "4.-1", "-4.1")}
    found = {order: "".join(key.name for key in each.result_list) for order, each in shown.items()}
    assert found == {"": "cab", "1": "abc", "-1": "cba", "4.-1": "cba", "-4.1": "abc"}
    assert shown[""].title == "API keys"


@pytest.mark.databases
@pytest.mark.parametrize(
    ("model", "order", "index"),
    [
        ("apikeys_apikey", "1", "api_key_by_name"),
        ("apikeys_apikey", "-1", "api_key_by_name"),
        ("apikeys_apikey", "-4", "api_key_by_environment"),
        ("audit_event", "3", "audit_by_name"),
        ("audit_event", "-6", "audit_by_address"),
    ],
)
def test_a_sorted_list_is_read_from_the_index(cast: Cast, model: str, order: str, index: str) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite, which is for small installations, may sort the rows")
    rows = browser(cast.ada).get(page(f"{model}_changelist"), {"o": order}).context["cl"].queryset
    with connection.cursor() as cursor:
        for plan in ("seqscan", "bitmapscan", "sort"):  # as the planner does by itself for many rows
            cursor.execute(f"SET LOCAL enable_{plan} = off")
    shown = rows.prefetch_related(None)[:50].explain()
    assert index in shown and "Sort" not in shown, shown
