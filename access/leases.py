"""A change to what somebody may do is answered after one lease. See access.principal_cache."""

from django.conf import settings
from django.db import transaction

from config.waiting import answer_not_before


def wait_out_leases() -> None:
    """When this transaction has committed, have it answered when nobody can trust what was read before."""
    waiting = [function for _, function, _ in transaction.get_connection().run_on_commit]
    if settings.EPOCH_LEASE_SECONDS and _wait not in waiting:
        transaction.on_commit(_wait)


def _wait() -> None:
    """Let a lease pass: leases end by themselves, on any machine, and nobody sends word of it."""
    answer_not_before(settings.EPOCH_LEASE_SECONDS)
