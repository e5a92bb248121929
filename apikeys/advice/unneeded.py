"""Which scopes a key has not needed for a long time."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Prefetch, QuerySet

from apikeys.models import ApiKey, ApiKeyQuerySet, ScopeUse
from config import profiles
from config.database.rows import in_parts

DAYS = 90  # how long a scope must not have been needed, and a key must have been watched


class Advice(NamedTuple):
    """The scopes that a key could do without, and all those that it would keep."""

    unneeded: list[str]
    kept: list[str]


def advice_for(key: ApiKey, now: datetime) -> Advice | None:
    """Return which scopes the key could give up; None if it needs all, or nobody can know. One query."""
    return advice_for_all([key], now).get(key.pk)


def advice_for_all(keys: Sequence[ApiKey], now: datetime) -> dict[int, Advice]:
    """Return the advice for those of these keys that could give up scopes, by primary key. One query."""
    used: dict[int, list[str]] = defaultdict(list)
    for number, scope in _lately(now).filter(key__in=keys).values_list("key_id", "scope"):
        used[number].append(scope)
    found = {key.pk: advise(key, used[key.pk], now) for key in keys}
    return {number: advice for number, advice in found.items() if advice is not None}


def advised(keys: ApiKeyQuerySet, now: datetime) -> Iterator[tuple[ApiKey, Advice]]:
    """Yield the keys that could give up scopes, reading a part of them at a time."""
    rows = keys.select_related("user", "organization")
    for key in in_parts(rows.prefetch_related(Prefetch("scope_uses", _lately(now)))):
        found = advise(key, [each.scope for each in key.scope_uses.all()], now)
        if found is not None:
            yield key, found


def advise(key: ApiKey, needed: Iterable[str], now: datetime) -> Advice | None:
    """Return which scopes the key could give up if it needed only these in the last DAYS.

    A key that was not used in that time, or has not been watched for so long, gets no advice. Scopes that it
    needed and that come with others take the place of these: the key never gets more than it had.
    """
    profile, since = profiles.active(), now - timedelta(days=DAYS)
    watched_since = max(key.created_at, key.scope_uses_since or key.created_at)
    if watched_since > since or key.last_used_at is None or key.last_used_at <= since:
        return None
    used = set(needed)
    kept = [name for name in key.scopes if name in used]
    covered = profile.power_of_scopes(frozenset(kept)).scopes
    held = profile.power_of_scopes(frozenset(key.scopes)).scopes
    missing = [name for name in profile.scopes if name in (used & held) - covered]
    kept += [name for name in missing if not _comes_with(name, missing)]
    unneeded = [name for name in key.scopes if name not in kept]
    if not unneeded or (profile.keys.scopes_required and not kept):
        return None
    return Advice(unneeded, kept)


def _lately(now: datetime) -> "QuerySet[ScopeUse]":
    return ScopeUse.objects.filter(last_used_at__gt=now - timedelta(days=DAYS))


def _comes_with(name: str, others: Iterable[str]) -> bool:
    """Whether one of the others implies the scope."""
    power_of = profiles.active().power_of_scopes
    return any(name in power_of(frozenset({other})).scopes for other in others if other != name)
