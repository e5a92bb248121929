"""Two who change several people at once: one waits for the other, and neither fails.

Each test lets somebody wait for a row, and looks at what they have locked by then.
"""

import pytest
from django.utils import timezone

from access.principals import Caller
from accounts.models import Membership, SecondFactor, Session, User
from accounts.second_factor.services import remove_second_factors
from accounts.sessions.services import end_selected_sessions
from accounts.users.changes import UserChanges
from accounts.users.lookups import lock
from accounts.users.services import create_user, delete_users, update_users
from audit.models import ChainHead
from oauth.models import OAuthClient
from oauth.services.clients import delete_clients
from tests.accounts.authenticator import enrolled, logged_in
from tests.accounts.helpers import caller_as, rows_are_locked, waiting
from tests.conftest import PASSWORD, Cast, add_user, log_in
from tests.oauth.flow import make_client

pytestmark = [pytest.mark.django_db(transaction=True), rows_are_locked]


def check_free(user: User) -> None:
    assert User.objects.select_for_update(nowait=True).get(pk=user.pk)


def check_end_of_log_is_free() -> None:
    assert ChainHead.objects.select_for_update(nowait=True).get(pk=ChainHead.ONLY)


@pytest.mark.parametrize("is_deleted", [False, True])
def test_people_are_always_locked_in_the_same_order(cast: Cast, is_deleted: bool) -> None:
    late = add_user("late", "admin")  # an administrator, and locked as one, but after bob in the order
    caller, changes = caller_as(cast.ada), UserChanges(is_active=False)

    def change() -> None:
        if is_deleted:
            delete_users(caller=caller, selected=[cast.bob])
        else:
            update_users(caller=caller, selected=[cast.bob], changes=changes)

    with waiting(change, holding=lambda: lock(cast.bob)):
        check_free(late)
    assert not User.objects.filter(pk=cast.bob.pk, is_active=True).exists()


def test_organizations_are_locked_before_people_and_these_before_clients(cast: Cast) -> None:
    clients = [make_client("services:read", owner=owner).row for owner in (cast.alice, cast.umbrella)]
    caller = caller_as(cast.ada)
    with waiting(
        lambda: delete_clients(caller=caller, selected=clients),
        holding=lambda: lock(cast.umbrella),  # as adding a member does, who is locked then
    ):
        check_free(cast.alice)
    assert not OAuthClient.objects.exists()


def test_a_person_of_several_organizations_is_made_without_waiting_at_the_end_of_the_log(
    cast: Cast, operator: Caller
) -> None:
    memberships = [(cast.acme, "developer"), (cast.umbrella, "developer")]

    def create() -> None:
        create_user(
            caller=operator,
            email="new@example.org",
            role="member",
            password=PASSWORD,
            memberships=memberships,
        )

    with waiting(create, holding=lambda: lock(cast.umbrella)):
        check_end_of_log_is_free()
    assert Membership.objects.filter(user__email="new@example.org").count() == 2


def test_second_factors_are_removed_without_waiting_at_the_end_of_the_log(cast: Cast) -> None:
    people = [cast.alice, cast.bob]
    for user in people:
        logged_in(user, enrolled(user))
    last = Session.objects.filter(user=max(people, key=lambda user: user.pk))
    caller = caller_as(cast.ada)
    with waiting(
        lambda: remove_second_factors(caller=caller, selected=people),
        holding=lambda: last.update(last_seen_at=timezone.now()),  # as a logout does
    ):
        check_end_of_log_is_free()
    assert not SecondFactor.objects.exists()


def test_sessions_are_ended_after_their_people_are_locked_in_their_order(cast: Cast) -> None:
    for user in (cast.bob, cast.alice, cast.alice):  # the younger sessions are those of who comes first
        log_in(user)
    selected = list(Session.objects.select_related("user"))
    caller = caller_as(cast.ada)
    with waiting(
        lambda: end_selected_sessions(caller=caller, selected=selected),
        holding=lambda: lock(cast.alice),  # as logging out everywhere does, whose sessions are ended then
    ):
        check_free(cast.bob)
        assert len(Session.objects.select_for_update(nowait=True)) == len(selected)
    assert not Session.objects.filter(ended_at__isnull=True).exists()
