"""What a key with a quota may not do, because it would get round its quota."""

from access.principals import Caller
from config.wire.errors import NotAllowed


def check_may_give_more(caller: Caller) -> None:
    """Raise NotAllowed for a key with a quota, its own or its organization's."""
    limits = caller.principal.credential.limits
    if limits is not None and limits.quotas:
        raise NotAllowed("A key with a quota cannot raise a quota, its own or another.")


def check_may_make_keys(caller: Caller) -> None:
    """Raise NotAllowed for a key with a quota of its own: the keys that it makes would not count with it."""
    limits = caller.principal.credential.limits
    if limits is not None and any(quota.holder == "key" for quota in limits.quotas):
        raise NotAllowed("A key with a quota cannot create keys. It can be rotated.")
