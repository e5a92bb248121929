"""Queries of the API's lists: unknown parameters are 400, and no value causes a server error."""

import pytest

from tests.admin.lists.test_list_parameters import ODD
from tests.conftest import Cast, as_user, assert_problem, make_key

pytestmark = pytest.mark.once

LISTS = {
    "users": ("search", "role", "is_active"),
    "audit": ("event", "actor", "target", "since", "until", "ip", "request_id", "search", "after"),
    "organizations": ("search", "requires_second_factor"),
    "api-keys": (
        *("status", "environment", "owner", "organization", "scope", "expiring_within", "unused_for"),
        "search",
    ),
    "auth/sessions": ("search",),
    "auth/oauth2/consents": ("search",),
    "users/{ada.uuid}/sessions": ("search",),
    "users/invitations": ("search", "role"),
    "organizations/{acme.uuid}/members": ("search", "role"),
    "organizations/{acme.uuid}/invitations": ("search", "role"),
    "webhooks": ("search",),
}
PAGES = ("cursor", "page_size", "ordering")


@pytest.mark.parametrize("path", LISTS)
def test_no_value_of_a_filter_is_an_error_of_the_server(path: str, cast: Cast) -> None:
    make_key(cast.acme, "services:read")
    ada = as_user(cast.ada)
    for name in (*LISTS[path], *PAGES):
        for value in ODD:
            answer = ada.get(path.format(**vars(cast)), data={name: value})
            assert answer.status_code in (200, 400), (name, value)


@pytest.mark.parametrize("path", LISTS)
def test_an_unknown_filter_is_named(path: str, cast: Cast) -> None:
    ada = as_user(cast.ada)
    for name in ("name__regex", "email__startswith", "pk__in", "occurred_at__range", "ordering"):
        answer = ada.get(path.format(**vars(cast)), data={name: "("})
        assert_problem(answer, 400, "invalid", name)
