"""Two who change several people at once: one waits for the other, and neither fails."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections, transaction

from accounts.lookups import hold
from accounts.models import User
from accounts.services.users import delete_users, update_users
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
