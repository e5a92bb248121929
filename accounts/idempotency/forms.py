"""Forms that are sent twice and make no row: their ticket does what an Idempotency-Key does in the API."""

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from access.leases import wait_out_leases
from access.principals import Caller
from accounts.idempotency.services import Claim, Repeated, claim_of
from config.wire.errors import StillRunning

SENT_BEFORE = _("This form was sent before: it replaces the secret once, and shows the new one only once.")

Result = TypeVar("Result")


def once_by_form(caller: Caller, form: str, ticket: UUID, do: Callable[[Claim], Result]) -> Result | None:
    """Return what `do` returns, or None if the form called `form` was sent with this ticket before.

    `do` passes the claim to the service. Raises what the service raises.
    """
    try:
        return do(claim_of(caller, form, str(ticket), {}))
    except (Repeated, StillRunning):
        wait_out_leases()
        return None
