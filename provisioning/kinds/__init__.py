"""The kinds of things that a file can describe, in the order in which they are made."""

from typing import Any

from provisioning.kinds.base import Kind
from provisioning.kinds.clients import Clients
from provisioning.kinds.keys import Keys
from provisioning.kinds.people import People
from provisioning.kinds.webhooks import Webhooks


def kinds(*, outside: bool = False) -> tuple[Kind[Any, Any], ...]:
    """Return the kinds in an organization, or those that can be outside every one."""
    found: tuple[Kind[Any, Any], ...] = (People(), Keys(), Clients(), Webhooks())
    return tuple(kind for kind in found if kind.is_outside or not outside)
