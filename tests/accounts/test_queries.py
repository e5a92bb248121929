"""What requests of people cost: statements to the database, counted."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.principals import Caller, Credential, Principal
from accounts.models import Membership, Session
from accounts.organizations.services import add_member
from accounts.users.changes import UserChanges
from accounts.users.principals import principal_of, principal_of_session
from accounts.users.services import update_user
from tests.accounts.helpers import statements
from tests.conftest import PASSWORD, Api, Cast, as_user, log_in

# To the chain's end and back: lock it, write the event, move the end.
RECORD = 3
# An attempt is counted by one statement, and taken back by one if it was no failure.
COUNT = TAKE_BACK = 1


def credential_of(cast: Cast) -> Credential:
    log_in(cast.alice)
    return Credential("jwt", str(Session.objects.latest("pk").uuid))


def session_of(credential: Credential, now: datetime) -> Principal:
    found = principal_of_session(credential, now)
    assert found is not None
    return found.principal


def test_a_session_is_turned_into_its_person_by_one_query(cast: Cast, operator: Caller) -> None:
    add_member(caller=operator, organization=cast.umbrella, user=cast.alice, role="developer")
    credential = credential_of(cast)
    with CaptureQueriesContext(connection) as captured:
        found = session_of(credential, timezone.now())
    assert len(statements(captured)) == 1
    proven = replace(credential, proven_at=Session.objects.latest("pk").created_at)
    assert found == principal_of(cast.alice, proven)


def test_a_person_in_one_organization_acts_in_it(cast: Cast) -> None:
    found = session_of(credential_of(cast), timezone.now())
    assert (found.subject, found.label) == (str(cast.alice.uuid), "alice")
    assert (found.organization_id, found.organization) == (cast.acme.pk, str(cast.acme.uuid))
    assert found.roles == {"member", "owner"}


@pytest.mark.parametrize("count", [0, 2])
def test_a_person_in_none_or_several_organizations_acts_in_none(
    cast: Cast, operator: Caller, count: int
) -> None:
    Membership.objects.filter(user=cast.alice).delete()
    for organization in (cast.acme, cast.umbrella)[:count]:
        add_member(caller=operator, organization=organization, user=cast.alice, role="owner")
    found = session_of(credential_of(cast), timezone.now())
    assert (found.organization_id, found.organization, set(found.roles)) == (None, "", {"member"})
    assert len(found.within) == count


def test_a_role_that_the_profile_does_not_know_allows_nothing(cast: Cast) -> None:
    cast.mallory.role = "removed from the profile"
    nobody = principal_of(cast.mallory, Credential("jwt", "x"))
    assert (nobody.everywhere.scopes, nobody.everywhere.capabilities) == (frozenset(), frozenset())


def test_a_superuser_may_do_everything_whatever_the_role(cast: Cast, operator: Caller) -> None:
    user = update_user(caller=operator, user=cast.mallory, changes=UserChanges(is_superuser=True))
    ada = principal_of(cast.ada, Credential("jwt", "x"))
    assert principal_of(user, Credential("jwt", "x")).everywhere == ada.everywhere


def test_a_session_that_ended_expired_or_belongs_to_nobody_active_is_nobodys(
    cast: Cast, operator: Caller
) -> None:
    credential, now = credential_of(cast), timezone.now()
    assert principal_of_session(credential, now) is not None
    assert principal_of_session(credential, now + timedelta(days=91)) is None
    type(cast.alice).objects.update(is_active=False)
    assert principal_of_session(credential, now) is None


def test_a_login_costs_three_looks_two_counts_a_mark_a_session_and_a_record(cast: Cast) -> None:
    with CaptureQueriesContext(connection) as captured:
        Api().post("auth/login", {"username": "alice", "password": PASSWORD})
    assert len(statements(captured)) == COUNT + TAKE_BACK + 5 + RECORD


def test_a_failed_login_costs_a_look_a_count_and_a_record(cast: Cast) -> None:
    with CaptureQueriesContext(connection) as captured:
        Api().post("auth/login", {"username": "alice", "password": "wrong"})
    assert len(statements(captured)) == COUNT + 1 + RECORD


def test_a_refresh_costs_one_update_and_one_look_and_once_a_minute_a_mark_and_a_record(cast: Cast) -> None:
    pair = log_in(cast.alice)
    for cost in (2 + 1 + RECORD, 2):
        with CaptureQueriesContext(connection) as captured:
            pair = Api().post("auth/refresh", {"refresh_token": pair["refresh_token"]}).json()
        assert len(statements(captured)) == cost


def test_a_logout_costs_a_look_at_the_caller_and_the_session_an_update_and_a_record(cast: Cast) -> None:
    alice = as_user(cast.alice)
    with CaptureQueriesContext(connection) as captured:
        alice.post("auth/logout")
    assert len(statements(captured)) == 3 + RECORD


def test_me_costs_the_caller_the_person_their_memberships_and_organizations(cast: Cast) -> None:
    alice = as_user(cast.alice)
    with CaptureQueriesContext(connection) as captured:
        alice.get("auth/me")
    assert len(statements(captured)) == 4


def test_an_authenticated_request_costs_one_query(cast: Cast) -> None:
    alice = as_user(cast.alice)
    for path in ("scopes", "/gateway/check"):
        original = {"X-Original-Method": "GET", "X-Original-URI": "/services/stock/items"}
        with CaptureQueriesContext(connection) as captured:
            assert alice.get(path, headers=original).status_code == 200
        assert len(statements(captured)) == 1


def test_a_token_that_is_not_ours_costs_no_query(cast: Cast) -> None:
    forged = Api({"Authorization": "Bearer x.y.z"})
    with CaptureQueriesContext(connection) as captured:
        assert forged.get("auth/me").status_code == 401
    assert statements(captured) == []
