"""Stops keys that were reported as leaked, and tells their owners and the administrators."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from django.db import transaction

from access.leases import wait_out_leases
from accounts.users.lookups import lock_owners
from apikeys.at_rest import digests, key_text
from apikeys.models import ApiKey
from apikeys.notices.leaks import Found, tell_leaked
from apikeys.services.events import target_of
from audit.actors import ANONYMOUS, Origin
from audit.events import EventName
from audit.log import Entry, record_all
from config import profiles
from config.database.rows import edit
from config.logs import kept

REASON = "reported as leaked"
PLACE_LENGTH = 2_000
AT_ONCE = 5_000  # digests in one statement
UNENDED = {"active", "disabled"}


def digests_of(text: str) -> list[bytes]:
    """Return the digests under which a text may be stored; none for a text that is not well-formed."""
    formats = profiles.active().keys.environments
    return [] if key_text.environment_of(text, formats) is None else digests.digests(text)


def stop_leaked(*, found: Mapping[bytes, str], through: str, origin: Origin) -> frozenset[bytes]:
    """Disable or revoke the keys with these digests, as the profile says. Return which digests are of keys.

    `found` says where each text was found: an address, or "". `through` and `origin` are those of the report.
    Owners and administrators are told once for each key and place, and again if somebody has enabled the key
    since. Keys that have ended are left alone. Raises Busy as `tell_leaked` does.
    """
    with transaction.atomic():
        known = list(_with(found))
        lock_owners({key.organization_id for key in known}, {key.user_id for key in known})
        locked = ApiKey.objects.select_for_update(of=("self",)).select_related("user", "organization")
        rows = list(locked.filter(pk__in=[key.pk for key in known]).order_by("pk"))
        places = {key.pk: kept(found[bytes(key.digest)], PLACE_LENGTH) for key in known}
        working = [Found(row, places[row.pk]) for row in rows if row.status(origin.at) in UNENDED]
        stopped = _stop([each.key for each in working], origin)
        told = tell_leaked(found=working, again=stopped, origin=origin) if working else []
        record_all(_entries(told, stopped, through), actor=ANONYMOUS, origin=origin)
        if known:
            wait_out_leases()  # another report that stopped them may still be waiting
    return frozenset(bytes(key.digest) for key in known)


def _with(found: Iterable[bytes]) -> Iterable[ApiKey]:
    wanted = list(found)
    for start in range(0, len(wanted), AT_ONCE):
        some = ApiKey.objects.filter(digest__in=wanted[start : start + AT_ONCE])
        yield from some.order_by().only("digest", "user_id", "organization_id")


class Action(NamedTuple):
    """What is done to a leaked key: the column that it sets, and the event."""

    column: str
    event: EventName


ACTIONS = {
    "disable": Action("disabled_at", EventName.API_KEY_DISABLED),
    "revoke": Action("revoked_at", EventName.API_KEY_REVOKED),
}


def _action() -> Action:
    leaks = profiles.active().leaks
    assert leaks is not None  # noqa: S101 (without it, nothing takes reports)
    return ACTIONS[leaks.action]


def _stop(working: Sequence[ApiKey], origin: Origin) -> list[ApiKey]:
    """Stop locked keys, and return those that this has stopped."""
    column = _action().column
    fresh = [row for row in working if getattr(row, column) is None]
    if fresh:
        reason = {"revoked_reason": REASON} if column == "revoked_at" else {}
        edit(ApiKey.objects.filter(pk__in=[row.pk for row in fresh]), **{column: origin.at}, **reason)
    return fresh


def _entries(told: Iterable[Found], stopped: Iterable[ApiKey], through: str) -> list[Entry]:
    leaked = [
        Entry(
            EventName.API_KEY_LEAKED,
            target_of(each.key),
            {"reason": REASON, "through": through, "found_at": each.place},
        )
        for each in told
    ]
    return leaked + [Entry(_action().event, target_of(row), {"reason": REASON}) for row in stopped]
