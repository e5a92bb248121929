"""A login that has begun opens no session once something has ended it, and the audit log says so."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from access.principals import Caller
from accounts.models import Organization, RecoveryCode, SecondFactor, SecondFactorRecovery, Session, User
from accounts.sessions.identity import WRONG, Proof, ProviderRequired, check_identity, check_second_factor
from accounts.sessions.services import (
    end_sessions_of,
    log_out_everywhere,
    open_proven,
    open_session,
    open_vouched,
)
from accounts.users.changes import UserChanges
from accounts.users.services import update_user
from audit.actors import Origin
from audit.models import Event
from config.wire.errors import InvalidCredentials
from tests.accounts.authenticator import enrolled
from tests.accounts.helpers import caller_as
from tests.conftest import PASSWORD, Cast

ENDS: dict[str, Callable[[Caller, User], object]] = {
    "a logout everywhere": lambda operator, user: log_out_everywhere(caller=caller_as(user)),
    "an operator": lambda operator, user: end_sessions_of(caller=operator, selected=[user]),
    "a deactivation": lambda operator, user: update_user(
        caller=operator, user=user, changes=UserChanges(is_active=False)
    ),
}


def begun(user: User) -> User:
    """The person as a login knows them whose password has just been checked."""
    return check_identity(identifier=str(user.username), password=PASSWORD, origin=Origin.here())


def arrives(user: User, proof: Proof | None = None) -> Session:
    return open_proven(
        user, proof, origin=Origin.here(), user_agent="", refresh_id=None, longest=timedelta.max
    )


def assert_recorded(user: User) -> None:
    event = Event.objects.latest("sequence")
    assert (event.name, event.detail) == ("login:failed", {"reason": "changed meanwhile"})
    assert event.subjects == [f"user:{user.uuid}"]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.requirement(34)
def test_a_login_that_began_before_all_were_ended_opens_no_session(
    cast: Cast, operator: Caller, end: str
) -> None:
    user = begun(cast.alice)
    ENDS[end](operator, cast.alice)
    with pytest.raises(InvalidCredentials, match=WRONG):
        arrives(user)
    assert_recorded(cast.alice)
    assert not Session.objects.exists()


def test_a_login_of_another_person_goes_on(cast: Cast) -> None:
    user = begun(cast.bob)
    log_out_everywhere(caller=caller_as(cast.alice))
    assert arrives(user).user == cast.bob


def test_a_code_from_before_the_removal_of_a_second_factor_began_opens_no_session(cast: Cast) -> None:
    app = enrolled(cast.alice)
    user = begun(cast.alice)
    proof = check_second_factor(user=user, code=app.code(), origin=Origin.here())
    removal_begins(cast.alice)
    with pytest.raises(InvalidCredentials, match=WRONG):
        arrives(user, proof)
    assert_recorded(cast.alice)
    assert not Session.objects.exists()


def test_a_login_that_a_provider_vouches_for_opens_a_session_while_a_second_factor_is_removed(
    cast: Cast,
) -> None:
    enrolled(cast.alice)
    removal_begins(cast.alice)
    user, origin = User.objects.get(pk=cast.alice.pk), Origin.here()
    opened = open_vouched(
        user,
        cast.acme,
        second_factor=False,
        proven_at=origin.at,
        provider_session="",
        origin=origin,
        user_agent="",
        longest=timedelta.max,
    )
    assert Session.objects.live(origin.at).get() == opened


@pytest.mark.requirement(99, 178)
def test_a_login_that_is_refused_for_the_provider_stops_no_removal_of_a_second_factor(cast: Cast) -> None:
    app = enrolled(cast.bob)
    removal_begins(cast.bob)
    RecoveryCode.objects.update(created_at=Origin.here().at - timedelta(days=31))  # old enough to stop it
    Organization.objects.filter(pk=cast.acme.pk).update(requires_provider=True)
    code, origin = app.recovery_codes[0], Origin.here()
    with pytest.raises(ProviderRequired):
        open_session(identifier="bob", password=PASSWORD, totp_code=code, origin=origin)
    event = Event.objects.latest("sequence")
    assert (event.name, event.detail) == ("login:failed", {"reason": "must log in with the organization"})
    assert event.subjects == [f"user:{cast.bob.uuid}"]
    assert SecondFactorRecovery.objects.exists()


def removal_begins(user: User) -> None:
    now = Origin.here().at
    device = SecondFactor.objects.get(user=user)
    SecondFactorRecovery.objects.create(device=device, started_at=now, ends_at=now + timedelta(days=7))
