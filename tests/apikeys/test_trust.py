"""Cached credentials cost no query while nothing changes, and are refused once something does."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.credentials import Presented
from access.key_limits import Rate, limits_of
from access.principals import Caller, Principal
from accounts.models import Session
from accounts.organizations import services as organizations
from accounts.organizations.changes import OrganizationChanges
from accounts.sessions import services as sessions
from accounts.users import services as users
from accounts.users.changes import UserChanges
from accounts.users.profile import services as profile
from accounts.users.services import update_user
from apikeys.changes import ApiKeyChanges
from apikeys.services import enabling, rotation
from apikeys.services.api_keys import create_api_key, update_api_key
from apikeys.services.revocation import revoke_api_keys
from apikeys.usage import spending
from audit.actors import Origin
from config.wire.errors import InvalidToken, NetworkNotAllowed
from gateway.check import authenticate
from tests.accounts.helpers import statements
from tests.conftest import PASSWORD, Cast, log_in, make_key

Lease = Callable[[float], None]
SHORT, LONG = 0.1, 3600.0


def use(text: str, *, is_key: bool = True, at: Origin | None = None) -> Principal:
    return authenticate(Presented(text, is_key), at or Origin.here())


def later(**time: int) -> Origin:
    return Origin("", "", timezone.now() + timedelta(**time))


def test_a_key_costs_one_query_and_then_no_query(cast: Cast, lease: Lease) -> None:
    key = make_key(cast.alice, "services:read")
    lease(LONG)
    with CaptureQueriesContext(connection) as captured:
        first = use(key.text)
    assert len(statements(captured)) == 2  # which epoch it is, and the key
    with CaptureQueriesContext(connection) as captured:
        assert use(key.text) == first
    assert statements(captured) == []


def test_an_access_token_costs_one_query_and_then_no_query(cast: Cast, lease: Lease) -> None:
    token = log_in(cast.alice)["access_token"]
    lease(LONG)
    first = use(token, is_key=False)
    with CaptureQueriesContext(connection) as captured:
        assert use(token, is_key=False) == first
    assert statements(captured) == []


@pytest.mark.requirement(62)
def test_expiry_is_compared_with_the_clock_whatever_is_remembered(cast: Cast, lease: Lease) -> None:
    expires_at = timezone.now() + timedelta(minutes=5)
    key = make_key(cast.acme, "services:read", expires_at=expires_at)
    lease(LONG)
    use(key.text, at=Origin("", "", expires_at - timedelta(microseconds=1)))
    with pytest.raises(InvalidToken):
        use(key.text, at=Origin("", "", expires_at))


def test_a_token_outlives_neither_itself_nor_its_session(cast: Cast, lease: Lease) -> None:
    token = log_in(cast.alice)["access_token"]
    lease(LONG)
    use(token, is_key=False)
    Session.objects.update(expires_at=timezone.now() + timedelta(seconds=30))
    use(token, is_key=False, at=later(seconds=29))
    with pytest.raises(InvalidToken):
        use(token, is_key=False, at=later(days=90))


def test_a_change_of_another_key_leaves_a_key_cached(cast: Cast, lease: Lease, operator: Caller) -> None:
    key, other = make_key(cast.alice, "services:read"), make_key(cast.bob, "services:read")
    lease(1e-9)
    use(key.text)
    revoke_api_keys(caller=operator, selected=[other.row])
    with CaptureQueriesContext(connection) as captured:
        use(key.text)
    assert len(statements(captured)) == 1  # the look


def test_a_refused_credential_is_not_cached(cast: Cast, lease: Lease, operator: Caller) -> None:
    update_user(caller=operator, user=cast.alice, changes=UserChanges(is_active=False))
    key = make_key(cast.alice, "services:read")
    lease(LONG)
    with pytest.raises(InvalidToken):
        use(key.text)
    type(cast.alice).objects.filter(pk=cast.alice.pk).update(is_active=True)
    use(key.text)


Change = Callable[[Cast, Caller, Any], object]
TAKING_A_KEY: dict[str, Change] = {
    "revoke": lambda cast, operator, key: revoke_api_keys(caller=operator, selected=[key]),
    "disable": lambda cast, operator, key: enabling.disable_api_keys(caller=operator, selected=[key]),
    "rotate": lambda cast, operator, key: rotation.rotate_api_key(caller=operator, key=key, expires_at=None),
    "deactivate": lambda cast, operator, key: update_user(
        caller=operator, user=cast.alice, changes=UserChanges(is_active=False)
    ),
    "delete": lambda cast, operator, key: users.delete_user(caller=operator, user=cast.alice),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", TAKING_A_KEY)
def test_once_the_service_returns_a_key_that_was_just_used_is_dead(
    name: str, cast: Cast, lease: Lease, operator: Caller
) -> None:
    key = make_key(cast.alice, "services:read")
    lease(SHORT)
    use(key.text)
    TAKING_A_KEY[name](cast, operator, key.row)
    with pytest.raises(InvalidToken):
        use(key.text)


TAKING_A_LOGIN: dict[str, Callable[[Cast, Caller, Caller], object]] = {
    "log out": lambda cast, operator, own: sessions.log_out(caller=own),
    "log out everywhere": lambda cast, operator, own: sessions.log_out_everywhere(caller=own),
    "deactivate": lambda cast, operator, own: update_user(
        caller=operator, user=cast.alice, changes=UserChanges(is_active=False)
    ),
    "new password": lambda cast, operator, own: update_user(
        caller=operator, user=cast.alice, changes=UserChanges(password="a harbour full of small boats")
    ),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", TAKING_A_LOGIN)
def test_once_the_service_returns_a_login_that_was_just_used_is_dead(
    name: str, cast: Cast, lease: Lease, operator: Caller
) -> None:
    token = log_in(cast.alice)["access_token"]
    lease(SHORT)
    own = Caller(use(token, is_key=False), Origin.here())
    TAKING_A_LOGIN[name](cast, operator, own)
    with pytest.raises(InvalidToken):
        use(token, is_key=False)


@pytest.mark.django_db(transaction=True)
def test_changing_ones_own_password_ends_the_other_logins_at_once(cast: Cast, lease: Lease) -> None:
    own, other = (log_in(cast.alice)["access_token"] for _ in range(2))
    lease(SHORT)
    caller = Caller(use(own, is_key=False), Origin.here())
    use(other, is_key=False)
    profile.change_own_password(caller=caller, current=PASSWORD, new="a harbour full of small boats")
    with pytest.raises(InvalidToken):
        use(other, is_key=False)


@pytest.mark.django_db(transaction=True)
def test_a_role_that_is_taken_or_given_counts_at_once(cast: Cast, lease: Lease, operator: Caller) -> None:
    key = make_key(cast.alice, "services:read", "audit:read")
    lease(SHORT)
    assert use(key.text).scopes == {"services:read", "audit:read"}
    membership = cast.alice.memberships.get()
    organizations.change_member_role(caller=operator, membership=membership, role="developer")
    assert use(key.text).scopes == {"services:read"}
    organizations.change_member_role(caller=operator, membership=membership, role="owner")
    assert use(key.text).scopes == {"services:read", "audit:read"}
    organizations.remove_member(caller=operator, membership=membership)
    assert use(key.text).within == {}


@pytest.mark.django_db(transaction=True)
def test_narrower_networks_and_a_rate_hold_at_once_for_a_key_that_was_just_used(
    cast: Cast, lease: Lease, operator: Caller
) -> None:
    key, here = make_key(cast.alice, "services:read"), Origin("192.0.2.7", "", timezone.now())
    lease(SHORT)
    assert use(key.text, at=here).credential.limits is None
    changes = ApiKeyChanges(allowed_networks=["192.0.2.7"], rate_limit=Rate(5, 60))
    update_api_key(caller=operator, key=key.row, changes=changes)
    assert use(key.text, at=here).credential.limits == limits_of(["192.0.2.7"], Rate(5, 60))
    update_api_key(caller=operator, key=key.row, changes=ApiKeyChanges(allowed_networks=["192.0.2.8"]))
    with pytest.raises(NetworkNotAllowed):
        use(key.text, at=here)


@pytest.mark.django_db(transaction=True)
def test_the_end_of_an_overlap_holds_at_once_for_a_key_that_was_just_used(
    cast: Cast, lease: Lease, operator: Caller
) -> None:
    key = make_key(cast.alice, "services:read")
    lease(SHORT)
    use(key.text)
    new = rotation.rotate_api_key(caller=operator, key=key.row, expires_at=None, overlap=timedelta(minutes=5))
    use(key.text)
    with pytest.raises(InvalidToken):
        use(key.text, at=Origin("", "", new.predecessor_ends_at))
    use(new.text, at=Origin("", "", new.predecessor_ends_at))


@pytest.mark.django_db(transaction=True)
def test_a_key_that_is_enabled_is_taken_at_once(cast: Cast, lease: Lease, operator: Caller) -> None:
    key = make_key(cast.alice, "services:read")
    enabling.disable_api_keys(caller=operator, selected=[key.row])
    lease(SHORT)
    with pytest.raises(InvalidToken):
        use(key.text)
    enabling.enable_api_keys(caller=operator, selected=[key.row])
    use(key.text)


def test_a_limited_key_costs_no_query_either(cast: Cast, lease: Lease) -> None:
    networks, rate = ["192.0.2.0/24"], Rate(1000, 60)
    key = make_key(cast.alice, "services:read", allowed_networks=networks, rate_limit=rate)
    here = Origin("192.0.2.7", "", timezone.now())
    lease(LONG)
    use(key.text, at=here)
    with CaptureQueriesContext(connection) as captured:
        spending.spend(use(key.text, at=here), here)
    assert statements(captured) == []


@pytest.mark.django_db(transaction=True)
def test_a_new_name_shows_at_once(cast: Cast, lease: Lease, operator: Caller) -> None:
    key = create_api_key(caller=operator, name="old", owner=cast.acme)
    lease(SHORT)
    use(key.text)
    update_api_key(caller=operator, key=key.row, changes=ApiKeyChanges(name="new"))
    organizations.update_organization(
        caller=operator, organization=cast.acme, changes=OrganizationChanges(name="Acme & Sons")
    )
    found = use(key.text)
    assert (found.credential.label, found.label) == ("new", "Acme & Sons")


TAKING_AGAIN: dict[str, Change] = {
    **{name: TAKING_A_KEY[name] for name in ("revoke", "disable")},
    "narrow": lambda cast, operator, key: update_api_key(
        caller=operator, key=key, changes=ApiKeyChanges(allowed_networks=["192.0.2.8"])
    ),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", TAKING_AGAIN)
def test_a_second_revocation_is_answered_when_the_key_is_dead(
    name: str, cast: Cast, lease: Lease, operator: Caller
) -> None:
    key, here = make_key(cast.alice, "services:read"), Origin("192.0.2.7", "", timezone.now())
    committed = threading.Event()

    def first() -> None:
        with transaction.atomic():
            transaction.on_commit(committed.set)  # before it waits
            TAKING_AGAIN[name](cast, operator, key.row)
        connections.close_all()

    lease(0.5)
    use(key.text, at=here)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(first)
        assert committed.wait(timeout=60)
        TAKING_AGAIN[name](cast, operator, key.row)
        with pytest.raises((InvalidToken, NetworkNotAllowed)):
            use(key.text, at=here)
        waiting.result(timeout=60)
