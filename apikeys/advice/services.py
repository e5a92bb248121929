"""Services that narrow a key to the scopes that it needs, and widen it again for a week."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from access.freshness import check_fresh
from access.leases import wait_out_leases
from access.principals import Caller
from apikeys.advice.unneeded import advice_for_all
from apikeys.models import ApiKey
from apikeys.services.api_keys import check_not_ended, check_not_wider, check_scopes
from apikeys.services.events import target_of
from apikeys.services.locking import locked
from audit.events import EventName
from audit.log import Entry, record_all
from config.database.rows import edit
from config.wire.errors import Conflict, Sentence
from config.wire.preconditions import ANY_VERSION, Expected

REGRET = timedelta(days=7)  # how long a narrowed key can be widened again


def narrow_api_keys(*, caller: Caller, selected: Iterable[ApiKey], expected: Expected = ANY_VERSION) -> int:
    """Take from keys the scopes that they could do without, all or none; return how many keys changed.

    Raises NotFound, NotAllowed or PreconditionFailed, and Conflict for a key that has ended.
    """
    entries = []
    with transaction.atomic():
        keys = locked(caller, selected, expected)
        for key in keys:
            check_not_ended(key, caller.origin.at)
        advice = advice_for_all(keys, caller.origin.at)
        for key in keys:
            if key.pk in advice:
                kept = advice[key.pk].kept
                before = key.wider_scopes if may_widen(key, caller.origin.at) else key.scopes
                columns = {"scopes": kept, "wider_scopes": before, "narrowed_at": caller.origin.at}
                edit(ApiKey.objects.filter(pk=key.pk), **columns)
                entries.append(_entry(EventName.API_KEY_NARROWED, key, kept))
        record_all(entries, actor=caller.principal.actor, origin=caller.origin)
        wait_out_leases()  # another request may have just narrowed the keys
    return len(entries)


def widen_api_keys(*, caller: Caller, selected: Iterable[ApiKey], expected: Expected = ANY_VERSION) -> int:
    """Give keys back the scopes that narrowing took from them, all or none; return how many changed.

    A key never gets more than it had, nor more than the caller may give. Raises NotFound, NotAllowed,
    PreconditionFailed, FreshProofRequired or Invalid, and Conflict for a key that has ended or was narrowed
    too long ago.
    """
    entries = []
    with transaction.atomic():
        for key in locked(caller, selected, expected):
            check_not_ended(key, caller.origin.at)
            if key.wider_scopes is None:
                continue
            if not may_widen(key, caller.origin.at):
                raise Conflict(
                    "scopes", Sentence("%(name)s was narrowed more than 7 days ago", name=key.name)
                )
            check_fresh(caller)
            check_scopes(key.wider_scopes)
            check_not_wider(caller, key.owner, frozenset(key.wider_scopes))
            columns = {"scopes": key.wider_scopes, "wider_scopes": None, "narrowed_at": None}
            edit(ApiKey.objects.filter(pk=key.pk), **columns)
            entries.append(_entry(EventName.API_KEY_WIDENED, key, key.wider_scopes))
        record_all(entries, actor=caller.principal.actor, origin=caller.origin)
        wait_out_leases()  # another request may have just widened the keys
    return len(entries)


def may_widen(key: ApiKey, now: datetime) -> bool:
    """Whether the key was narrowed so lately that it can be widened again."""
    return key.wider_scopes is not None and key.narrowed_at is not None and now < key.narrowed_at + REGRET


def _entry(name: EventName, key: ApiKey, scopes: Sequence[str]) -> Entry:
    return Entry(name, target_of(key), {"from": key.scopes, "to": scopes})
