"""Two who change several people at once: one waits for the other, and neither fails."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections, transaction
from django.utils import timezone

from accounts.lookups import hold
from accounts.models import SecondFactor, Session, User
from accounts.services.second_factor import remove_second_factors
from accounts.services.users import delete_users, update_users
from audit.models import ChainHead
from tests.accounts.authenticator import enrolled, logged_in
from tests.accounts.helpers import caller_as, rows_are_locked, until_somebody_waits
from tests.conftest import Cast, add_user

pytestmark = pytest.mark.django_db(transaction=True)


@rows_are_locked
@pytest.mark.parametrize("is_deleted", [False, True])
def test_people_are_locked_in_one_order_whoever_they_are(cast: Cast, is_deleted: bool) -> None:
    late = add_user("late", "admin")  # an administrator, and locked as one, but after bob in the order
    caller = caller_as(cast.ada)

    def change() -> None:
        try:
            if is_deleted:
                delete_users(caller=caller, selected=[cast.bob])
            else:
                update_users(caller=caller, selected=[cast.bob], changes={"is_active": False})
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            hold(cast.bob)
            changing = pool.submit(change)
            until_somebody_waits(changing)
            assert User.objects.select_for_update(nowait=True).get(pk=late.pk)
        changing.result(timeout=60)
    assert not User.objects.filter(pk=cast.bob.pk, is_active=True).exists()


@rows_are_locked
def test_nobody_waits_for_a_row_while_holding_the_end_of_the_audit_log(cast: Cast) -> None:
    people = [cast.alice, cast.bob]
    for user in people:
        logged_in(user, enrolled(user))

    def remove() -> None:
        try:
            remove_second_factors(caller=caller_as(cast.ada), selected=people)
        finally:
            connections.close_all()

    last = max(people, key=lambda user: user.pk)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Session.objects.filter(user=last).update(last_seen_at=timezone.now())  # as a logout does
            removing = pool.submit(remove)
            until_somebody_waits(removing)
            assert ChainHead.objects.select_for_update(nowait=True).get(pk=ChainHead.ONLY)
        removing.result(timeout=60)
    assert not SecondFactor.objects.exists()
