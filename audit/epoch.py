"""Calls the handler that `access` registers, whenever an event begins an epoch.

`audit.log` counts epochs at the end of the chain. The handler is in `access.leases`: it delays the answer to
a change until no process trusts a caller that it cached earlier.
"""

from collections.abc import Callable

from django.core.exceptions import ImproperlyConfigured


def _nothing_registered() -> None:
    raise ImproperlyConfigured("no handler waits for cached callers to expire: add access to INSTALLED_APPS")


_after: Callable[[], None] = _nothing_registered


def after_begin(handler: Callable[[], None]) -> None:
    """Register `handler`. It is called in each transaction that begins an epoch."""
    global _after
    _after = handler


def has_begun() -> None:
    """Call the registered handler, in the transaction that begins an epoch."""
    _after()
