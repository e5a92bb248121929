"""GET users: searched, filtered, in pages."""

from typing import Any

import pytest
from django.db import connection

from access.principals import Caller
from accounts.models import User
from accounts.users.changes import UserChanges
from accounts.users.services import update_user
from tests.accounts.users.test_users_endpoint import names
from tests.conftest import Cast, add_user, as_user, assert_problem


def test_people_are_found_by_a_part_of_any_of_their_names_in_any_case(cast: Cast, operator: Caller) -> None:
    update_user(caller=operator, user=cast.bob, changes=UserChanges(name="Robert Tables"))
    ada = as_user(cast.ada)
    assert names(ada, "?search=ALI") == {"alice"}
    assert names(ada, "?search=charlie@EXAMPLE") == {"charlie"}
    assert names(ada, "?search=tables") == {"bob"}
    assert names(ada, "?search=%25") == set()
    assert names(ada, "?search=_") == set()
    assert len(names(ada, "?search=")) == 6


def test_people_are_filtered_by_role_and_activity(cast: Cast, operator: Caller) -> None:
    update_user(caller=operator, user=cast.bob, changes=UserChanges(is_active=False))
    ada = as_user(cast.ada)
    assert names(ada, "?role=admin") == {"ada"}
    assert names(ada, "?is_active=false") == {"bob"}
    assert names(ada, "?role=member&is_active=true&search=a") == {"alice", "charlie", "mallory"}
    assert names(ada, "?role=emperor") == set()


@pytest.mark.parametrize(
    ("query", "member"),
    [
        ("is_active=yes", "is_active"),
        ("rolle=admin", "rolle"),
        ("role=admin&role=member", "role"),
        ("search=%00", "search"),
        ("search=" + "x" * 255, "search"),
        ("page_size=0", "page_size"),
    ],
)
def test_a_query_that_says_nothing_is_400(cast: Cast, query: str, member: str) -> None:
    assert_problem(as_user(cast.ada).get(f"users?{query}"), 400, "invalid", member)


@pytest.mark.requirement(54)
def test_people_come_in_pages_that_are_capped_and_keep_their_filter(cast: Cast, operator: Caller) -> None:
    User.objects.bulk_create(
        User(
            username=f"u{n}",
            username_key=f"u{n}",
            email=f"u{n}@x.org",
            email_key=f"u{n}@x.org",
            role="member",
        )
        for n in range(205)
    )
    ada = as_user(cast.ada)
    first = ada.get("users?page_size=1000&search=@x.org").json()
    assert len(first["results"]) == 200
    assert len(ada.get("users").json()["results"]) == 50
    second = ada.client.get(first["next"]).json()
    assert len(second["results"]) == 5 and second["next"] is None


def test_a_list_costs_the_same_queries_however_long_it_is(cast: Cast, django_assert_num_queries: Any) -> None:
    ada, alice = as_user(cast.ada), as_user(cast.alice)
    queries = 5 if connection.vendor == "postgresql" else 2  # there a savepoint has a time limit of its own
    for count in range(3):
        add_user(f"user{count}", memberships=[(cast.acme, "developer")])
        for api in (ada, alice):
            with django_assert_num_queries(queries):
                assert api.get("users?search=e&role=member").status_code == 200
