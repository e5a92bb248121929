"""Taking away what is already gone also waits one lease, because the first request may still be waiting."""

import threading
import time
from collections.abc import Callable

import pytest
from django.db import connections

from access.principals import Caller
from accounts.models import Membership, Session, User
from accounts.organizations.changes import OrganizationChanges
from accounts.organizations.services import remove_member, update_organization
from accounts.sessions.authentication import authenticate_access_token
from accounts.sessions.services import end_session
from accounts.users.changes import UserChanges
from accounts.users.services import update_user
from audit.actors import Origin
from config.wire.errors import InvalidToken, NotFound
from oauth.changes import ClientChanges
from oauth.models import Consent
from oauth.services.clients import update_client
from oauth.services.consents import withdraw_consents
from tests.accounts.helpers import caller_as
from tests.conftest import Api, Cast, as_user, log_in
from tests.oauth.flow import Flow, make_client, post

Lease = Callable[[float], None]
LONG = 3600.0
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def waits(lease: Lease, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Record the seconds that are waited from now on, instead of waiting them."""
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    lease(LONG)
    return waited


def twice(waits: list[float], take_away: Callable[[], object]) -> list[int]:
    """How often the first and the second request waited."""
    found = []
    for _ in range(2):
        before = len(waits)
        take_away()
        found.append(len(waits) - before)
    return found


def test_ending_a_session_again_waits_one_lease(cast: Cast, operator: Caller, waits: list[float]) -> None:
    log_in(cast.bob)
    session = Session.objects.get()
    assert twice(waits, lambda: end_session(caller=operator, session=session)) == [1, 1]


@pytest.mark.parametrize(
    "changes",
    [
        UserChanges(is_active=False),
        UserChanges(role="member"),
        UserChanges(is_superuser=False),
    ],
)
def test_taking_the_same_from_a_person_again_waits_one_lease(
    changes: UserChanges, cast: Cast, operator: Caller, waits: list[float]
) -> None:
    User.objects.filter(pk=cast.audrey.pk).update(is_superuser=True)
    change = lambda: update_user(caller=operator, user=cast.audrey, changes=changes)  # noqa: E731
    assert twice(waits, change) == [1, 1]


def test_requiring_a_second_factor_again_waits_one_lease(
    cast: Cast, operator: Caller, waits: list[float]
) -> None:
    changes = OrganizationChanges(requires_second_factor=True)

    def require() -> None:
        update_organization(caller=operator, organization=cast.acme, changes=changes)

    assert twice(waits, require) == [1, 1]


def test_taking_the_same_scope_from_a_client_again_waits_one_lease(
    cast: Cast, operator: Caller, waits: list[float]
) -> None:
    client = make_client("services:read", "services:write").row
    changes = ClientChanges(scopes=["services:read"])
    assert twice(waits, lambda: update_client(caller=operator, client=client, changes=changes)) == [1, 1]


def test_revoking_a_token_again_waits_one_lease(cast: Cast, waits: list[float]) -> None:
    flow = Flow(make_client(), cast.alice)
    token = flow.tokens()["access_token"]

    def revoke() -> None:
        assert post("revoke", flow.client, token=token).status_code == 200

    assert twice(waits, revoke) == [1, 1]


def test_withdrawing_a_consent_again_waits_one_lease(cast: Cast, waits: list[float]) -> None:
    Flow(make_client(), cast.alice).tokens()
    [consent] = Consent.objects.all()
    caller = caller_as(cast.alice)
    assert twice(waits, lambda: withdraw_consents(caller=caller, selected=[consent])) == [1, 1]


def test_withdrawing_a_consent_again_on_the_page_waits_one_lease(cast: Cast, waits: list[float]) -> None:
    flow = Flow(make_client(), cast.alice)
    flow.tokens()
    [consent] = Consent.objects.all()

    def withdraw() -> None:
        form = {"consent": str(consent.uuid)}
        assert flow.browser.post("/account/applications", form).status_code == 302

    assert twice(waits, withdraw) == [1, 1]


def test_a_caller_who_is_refused_does_not_wait(cast: Cast, operator: Caller, waits: list[float]) -> None:
    membership = Membership.objects.get(user=cast.bob)
    remove_member(caller=operator, membership=membership)
    waits.clear()
    with pytest.raises(NotFound):
        remove_member(caller=operator, membership=membership)
    bob = {"username": "bob", "password": "wrong"}
    assert Api().post("auth/login", bob).status_code == 401
    assert as_user(cast.audrey).patch(f"users/{cast.bob.uuid}", {"is_active": False}).status_code == 403
    assert waits == []


def test_after_the_answer_to_a_second_logout_no_other_worker_takes_the_token(
    cast: Cast, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the first logout still waits: this process is the other worker, and has looked just now."""
    token = log_in(cast.bob)["access_token"]
    [session] = Session.objects.all()
    lease(0.25)
    assert authenticate_access_token(token, Origin.here())
    committed, answered, sleep = threading.Event(), threading.Event(), time.sleep

    def first_waits_long(seconds: float) -> None:
        if threading.current_thread() is first:
            committed.set()
            assert answered.wait(timeout=60)
        else:
            sleep(seconds)

    monkeypatch.setattr(time, "sleep", first_waits_long)

    def log_out_first() -> None:
        end_session(caller=caller_as(cast.bob), session=session)
        connections.close_all()

    first = threading.Thread(target=log_out_first)
    first.start()
    try:
        assert committed.wait(timeout=60)
        end_session(caller=caller_as(cast.bob), session=session)
        with pytest.raises(InvalidToken):
            authenticate_access_token(token, Origin.here())
    finally:
        answered.set()
        first.join(timeout=60)
