"""A change to what a caller may do is answered one lease later. See access.principal_cache."""

from django.conf import settings
from django.db import transaction

from config.waiting import answer_not_before


def wait_out_leases() -> None:
    """Delay this transaction's answer until no process can trust what it read before the commit."""
    waiting = [function for _, function, _ in transaction.get_connection().run_on_commit]
    if settings.EPOCH_LEASE_SECONDS and _wait not in waiting:
        transaction.on_commit(_wait)


def _wait() -> None:
    """Let one lease pass. Leases end by themselves on every machine, so no message is needed."""
    answer_not_before(settings.EPOCH_LEASE_SECONDS)
