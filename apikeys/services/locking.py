"""Locks API keys for the services that change them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from access.principals import Caller
from accounts.users.lookups import lock_owners
from apikeys.models import ApiKey, ApiKeyQuerySet
from config.database.rows import in_batches
from config.wire.errors import NotAllowed, NotFound
from config.wire.ids import NO_SUCH_ID
from config.wire.preconditions import Expected

# The columns that revoking a key needs: its state, and the parts of its event.
ENDING = ("uuid", "name", "key_prefix", "revoked_at", "version", "user__uuid", "organization__uuid")


def locked(caller: Caller, selected: Iterable[ApiKey], expected: Expected) -> list[ApiKey]:
    """Lock the keys after their owners, and return them as they are now. The caller must manage all of them.

    Raises NotFound, NotAllowed or PreconditionFailed.
    """
    keys = list(selected)
    _lock_owners_of(keys)
    return _locked_keys(caller, keys, expected)


def locked_to_end(caller: Caller, selected: Iterable[ApiKey], expected: Expected) -> list[ApiKey]:
    """Lock the keys as `locked` does, and return them with the columns `ENDING` only.

    The owner of a single key is not locked: deleting the owner and revoking the key wait for each other.
    Several keys could be locked in another order than the deletion locks them, so their owners are locked
    first.
    """
    keys = list(selected)
    if len(keys) > 1:
        _lock_owners_of(keys)
    return _locked_keys(caller, keys, expected, *ENDING)


def one_locked_to_end(caller: Caller, named: Mapping[str, Any], expected: Expected) -> ApiKey:
    """Lock the key that a lookup names, as `locked_to_end` does, with one query: other changes wait for it.

    Raises NotFound, NotAllowed or PreconditionFailed.
    """
    row = next(iter(_to_lock(caller, *ENDING).filter(**named).order_by()), None)
    if row is None:
        raise _refusal(caller, lambda rows: rows.filter(**named).exists())
    expected.check(row)
    return row


def _lock_owners_of(keys: Sequence[ApiKey]) -> None:
    lock_owners({key.organization_id for key in keys}, {key.user_id for key in keys})


def _locked_keys(caller: Caller, keys: Sequence[ApiKey], expected: Expected, *columns: str) -> list[ApiKey]:
    numbers = {key.pk for key in keys}

    def are_all(rows: ApiKeyQuerySet) -> bool:
        return sum(some.count() for some in in_batches(rows, numbers)) == len(numbers)

    found = [row for some in in_batches(_to_lock(caller, *columns), numbers) for row in some]
    if len(found) != len(numbers):
        raise _refusal(caller, are_all)
    for row in found:
        expected.check(row)
    return found


def _to_lock(caller: Caller, *columns: str) -> ApiKeyQuerySet:
    manageable = ApiKey.objects.manageable_by(caller.principal).select_related("user", "organization")
    return manageable.only(*columns).select_for_update(of=("self",))


def _refusal(caller: Caller, has: Callable[[ApiKeyQuerySet], bool]) -> NotAllowed | NotFound:
    """Return the error for a caller who may not manage the keys that the caller asked for."""
    if not has(ApiKey.objects.visible_to(caller.principal)):
        return NotFound(NO_SUCH_ID)
    may_manage = "You may not manage this key."
    return caller.principal.refusal(lambda who: has(ApiKey.objects.manageable_by(who)), may_manage)
