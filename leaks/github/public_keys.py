"""GitHub's public keys as this installation knows them: fetched when they are needed, and kept."""

import logging
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from django.conf import settings
from django.db.models import Q

from config.wire.errors import Busy
from leaks.github import download
from leaks.models import GithubKeys

PAUSE = timedelta(minutes=1)  # between two attempts to fetch, over all processes
RENEWED_AFTER = timedelta(days=1)  # so that a key that GitHub has withdrawn is forgotten

log = logging.getLogger("keyhouse.leaks")


def key_named(identifier: str, now: datetime) -> EllipticCurvePublicKey | None:
    """Return GitHub's key with this identifier; None if GitHub has none.

    Fetches GitHub's list if it is a day old, or does not have the identifier; at most once a minute. Raises
    Busy while the list cannot be had.
    """
    known = _known()
    if known is None or _is_old(known, now) or identifier not in known.keys:
        _renew(now)
        known = _known()
    if known is not None and identifier in known.keys:
        return download.load(known.keys[identifier])
    if known is None or known.fetched_at is None or known.fetched_at < known.tried_at:
        raise Busy("GitHub's public keys cannot be fetched now. Try again.", int(PAUSE.total_seconds()))
    return None


def _known() -> GithubKeys | None:
    return GithubKeys.objects.filter(pk=GithubKeys.ONLY).first()


def _is_old(known: GithubKeys, now: datetime) -> bool:
    return known.fetched_at is None or known.fetched_at < now - RENEWED_AFTER


def _renew(now: datetime) -> None:
    """Fetch the keys, unless some process has begun to in the last minute. Without success keep the old."""
    if not _may_try(now):
        return
    try:
        fetched = download.fetch(settings.GITHUB_KEYS_URL)
        _keep(fetched, now)
    except download.Unusable as error:
        log.warning("GitHub's public keys not fetched from %s: %s", settings.GITHUB_KEYS_URL, error)


def _may_try(now: datetime) -> bool:
    """Claim the next attempt, with one atomic statement."""
    GithubKeys.objects.bulk_create(
        [GithubKeys(pk=GithubKeys.ONLY, tried_at=now - 2 * PAUSE)], ignore_conflicts=True
    )
    due = Q(tried_at__lte=now - PAUSE) | Q(tried_at__gt=now + PAUSE)  # later: tried with a wrong clock
    return bool(GithubKeys.objects.filter(due, pk=GithubKeys.ONLY).update(tried_at=now))


def _keep(fetched: dict[str, str], now: datetime) -> None:
    """Keep the fetched list. An identifier stands for the key that it first had: GitHub never changes one.

    Raises Unusable for a list that does.
    """
    known = _known()
    pinned = known.keys if known else {}
    changed = [name for name, key in fetched.items() if pinned.get(name, key) != key]
    if changed:
        raise download.Unusable(f"the key {changed[0]!a} is not the one that it was")
    GithubKeys.objects.filter(pk=GithubKeys.ONLY).update(keys=fetched, fetched_at=now)
