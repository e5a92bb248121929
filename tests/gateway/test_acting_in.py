"""X-Organization at the gateway: a caller chooses one of their organizations."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from access.callers import caller_at_command_line
from access.principals import Credential
from accounts.organizations.changes import OrganizationChanges
from accounts.organizations.services import add_member, update_organization
from accounts.users.principals import principal_of
from audit.models import Event
from config import profiles
from config.wire import ids
from gateway.decision import acting
from tests.conftest import Api, Cast, as_user, assert_problem, make_key, with_key
from tests.gateway.routing import row, with_routes
from tests.oauth.flow import machine_token, make_client, with_token


@pytest.fixture(autouse=True)
def routes() -> Iterator[None]:
    table = (
        row("GET", "/open", "none"),
        row("GET", "/any", "key jwt oauth2"),
        row("POST", "/stock", scopes="services:write"),
        row("GET", "/owners", roles="owner"),
    )
    with profiles.override(with_routes(*table)):
        yield


@pytest.fixture
def both(cast: Cast) -> Cast:
    """Bob, a developer at Acme, owns Umbrella, too."""
    add_member(caller=caller_at_command_line(), organization=cast.umbrella, user=cast.bob, role="owner")
    return cast


def check(api: Api, uri: str, method: str = "GET", organization: object = None) -> Any:
    headers = {"X-Original-Method": method, "X-Original-URI": uri}
    named = {} if organization is None else {"X-Organization": str(organization)}
    return api.get("/gateway/check", headers=headers | named)


def acts_in(answer: Any) -> str:
    assert answer.status_code == 200, answer.content
    organization: str = answer.headers["X-Auth-Organization"]
    return organization


def test_a_person_in_several_organizations_acts_in_the_one_that_they_name(both: Cast) -> None:
    for api in (as_user(both.bob), with_key(make_key(both.bob, "services:write"))):
        assert acts_in(check(api, "/any")) == ""
        for organization in (both.acme, both.umbrella):
            assert acts_in(check(api, "/any", organization=organization.uuid)) == str(organization.uuid)


def test_the_role_of_that_organization_is_what_counts(both: Cast) -> None:
    bob = as_user(both.bob)
    assert check(bob, "/owners", organization=both.umbrella.uuid).status_code == 200
    assert_problem(check(bob, "/owners", organization=both.acme.uuid), 403, "not_allowed")
    assert_problem(check(bob, "/stock", "POST"), 403, "insufficient_scope")
    for organization in (both.acme, both.umbrella):
        assert check(bob, "/stock", "POST", organization=organization.uuid).status_code == 200


def test_a_key_does_no_more_than_its_scopes_wherever_it_acts(both: Cast) -> None:
    reader = with_key(make_key(both.bob, "services:read"))
    refused = check(reader, "/stock", "POST", organization=both.umbrella.uuid)
    assert_problem(refused, 403, "insufficient_scope")


@pytest.mark.parametrize("named", ["x", "0", "' OR 1=1 --", "é", "00000000-0000-4000-8000-000000000000"])
def test_an_organization_that_is_none_of_theirs_is_403(both: Cast, named: str) -> None:
    for api in (as_user(both.bob), with_key(make_key(both.acme))):
        problem = assert_problem(check(api, "/any", organization=named), 403, "not_allowed")
        assert problem["detail"].startswith("X-Organization: ")


def test_nobody_acts_in_an_organization_of_others_not_even_an_administrator(cast: Cast) -> None:
    for api in (as_user(cast.ada), as_user(cast.charlie), with_key(make_key(cast.umbrella))):
        assert_problem(check(api, "/any", organization=cast.acme.uuid), 403, "not_allowed")
    assert Event.objects.filter(name="access:denied").count() == 3


def test_several_organizations_at_once_are_refused(both: Cast) -> None:
    named = f"{both.acme.uuid},{both.umbrella.uuid}"
    assert_problem(check(as_user(both.bob), "/any", organization=named), 403, "not_allowed")


def test_naming_the_one_organization_changes_nothing_nor_does_an_empty_name(cast: Cast) -> None:
    for api in (as_user(cast.bob), with_key(make_key(cast.acme))):
        for named in (None, "", cast.acme.uuid):
            assert acts_in(check(api, "/any", organization=named)) == str(cast.acme.uuid)


def test_a_machine_of_an_organization_acts_in_that_one_and_in_no_other(cast: Cast) -> None:
    api = with_token(machine_token(make_client("services:read", owner=cast.acme)))
    for named in (None, "", cast.acme.uuid):
        assert acts_in(check(api, "/any", organization=named)) == str(cast.acme.uuid)
    assert_problem(check(api, "/any", organization=cast.umbrella.uuid), 403, "not_allowed")


def test_on_an_open_row_nobody_is_asked(cast: Cast) -> None:
    assert acts_in(check(Api(), "/open", organization=cast.acme.uuid)) == ""


def test_a_person_who_left_an_organization_no_longer_acts_in_it(both: Cast) -> None:
    bob = as_user(both.bob)
    both.bob.memberships.filter(organization=both.umbrella).delete()
    assert_problem(check(bob, "/any", organization=both.umbrella.uuid), 403, "not_allowed")


def test_what_is_remembered_of_a_caller_is_not_confused_and_costs_no_query(
    both: Cast, lease: Callable[[float], None], django_assert_num_queries: Any
) -> None:
    lease(60)
    for api in (as_user(both.bob), with_key(make_key(both.bob, "services:write"))):
        check(api, "/any")
        with django_assert_num_queries(0):
            for named in (both.acme.uuid, "", both.umbrella.uuid, both.acme.uuid, None, both.umbrella.uuid):
                assert acts_in(check(api, "/any", organization=named)) == str(named or "")


def test_an_organization_that_requires_a_second_factor_requires_it_of_its_members(
    both: Cast,
) -> None:
    caller = caller_at_command_line()
    update_organization(
        caller=caller, organization=both.umbrella, changes=OrganizationChanges(requires_second_factor=True)
    )
    bob = as_user(both.bob)
    refused = check(bob, "/owners", organization=both.umbrella.uuid)
    assert_problem(refused, 403, "second_factor_required")
    refused = check(bob, "/stock", "POST", organization=both.umbrella.uuid)
    assert_problem(refused, 403, "second_factor_required")
    assert check(bob, "/stock", "POST", organization=both.acme.uuid).status_code == 200


@pytest.mark.parametrize("name", ["keyhouse", "sentrikat", "sentinelnerd"])
def test_an_organization_is_named_as_the_product_shows_it(both: Cast, name: str) -> None:
    with profiles.override(profiles.load(name)):
        bob = principal_of(both.bob, Credential("key", ""))
        shown = str(ids.public_id("organization", both.umbrella))
        assert acting(bob, shown).organization == str(both.umbrella.uuid)


def test_x_organization_changes_nothing_outside_of_the_gateway(both: Cast) -> None:
    bob = as_user(both.bob)
    plain = bob.get("auth/me").json()
    assert bob.get("auth/me", headers={"X-Organization": str(both.umbrella.uuid)}).json() == plain
