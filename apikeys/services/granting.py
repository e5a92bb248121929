"""The service that changes the scopes of a key in place, for operators who describe their keys in files."""

from collections.abc import Sequence

from django.db import transaction

from access.freshness import check_fresh
from access.leases import wait_out_leases
from access.principals import Caller
from apikeys import scopes
from apikeys.models import ApiKey
from apikeys.services.api_keys import check_not_ended, check_not_wider, check_scopes
from apikeys.services.events import record_about
from apikeys.services.locking import locked
from audit.events import EventName
from config.database.rows import edit
from config.wire.preconditions import ANY_VERSION


def change_scopes(*, caller: Caller, key: ApiKey, granted: Sequence[str]) -> None:
    """Give a key these scopes in place of those that it has.

    Raises NotFound, NotAllowed, FreshProofRequired for scopes that it has not, Invalid for unknown scopes,
    and Conflict for a key that has ended.
    """
    check_scopes(granted)
    wanted = scopes.unique(granted)
    with transaction.atomic():
        row = locked(caller, [key], ANY_VERSION)[0]
        check_not_ended(row, caller.origin.at)
        if added := frozenset(wanted).difference(row.scopes):
            check_fresh(caller)
            check_not_wider(caller, row.owner, added)
        if wanted != row.scopes:
            columns = {"scopes": wanted, "wider_scopes": None, "narrowed_at": None}
            edit(ApiKey.objects.filter(pk=row.pk), **columns)
            detail = {"from": {"scopes": row.scopes}, "to": {"scopes": wanted}}
            record_about(EventName.API_KEY_CHANGED, caller, row, detail)
        wait_out_leases()  # another request may have just made the change
