"""A change to what somebody may do answers after one lease. See access.principal_cache."""

import time

from django.conf import settings
from django.db import transaction


def wait_out_leases() -> None:
    """When this transaction has committed, wait until nobody can trust what was read before: once."""
    waiting = [function for _, function, _ in transaction.get_connection().run_on_commit]
    if settings.EPOCH_LEASE_SECONDS and _wait not in waiting:
        transaction.on_commit(_wait)


def _wait() -> None:
    """Let a lease pass. The clock is what a lease is made of: there is no event to wait for instead.

    Leases end by themselves, in processes on any machine, which send nobody word of it.
    """
    time.sleep(settings.EPOCH_LEASE_SECONDS)
