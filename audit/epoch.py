"""What happens as soon as a change has begun an epoch: one thing, which the floor above registers.

The number itself is kept at the end of the chain (`audit.log` counts it up). That those who change something
wait for those who remember is `access.leases`.
"""

from collections.abc import Callable

from django.core.exceptions import ImproperlyConfigured


def _nothing_registered() -> None:
    raise ImproperlyConfigured(
        "nothing waits for those who remember callers: is access among INSTALLED_APPS?"
    )


_after: Callable[[], None] = _nothing_registered


def after_begin(handler: Callable[[], None]) -> None:
    """Have `handler` called in each transaction that begins an epoch."""
    global _after
    _after = handler


def has_begun() -> None:
    """Call what is registered, in the transaction that began an epoch."""
    _after()
