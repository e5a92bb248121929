"""Conditions on a key's row, for filters and for counting many things in one query."""

from datetime import datetime, timedelta

from django.db.models import Q

EXPIRING = timedelta(days=14)
UNUSED = timedelta(days=90)

NEVER_EXPIRES = Q(expires_at__isnull=True)
UNREVOKED = Q(revoked_at__isnull=True)
ENABLED = Q(disabled_at__isnull=True)


def unended(now: datetime) -> Q:
    """Neither revoked nor expired; it may be disabled."""
    return UNREVOKED & (NEVER_EXPIRES | Q(expires_at__gt=now))


def usable(now: datetime) -> Q:
    """Neither revoked, expired nor disabled."""
    return unended(now) & ENABLED


def expiring(now: datetime, within: timedelta = EXPIRING) -> Q:
    """Usable, and expires soon."""
    return usable(now) & Q(expires_at__lte=now + within)


def unused_since(moment: datetime) -> Q:
    """Created before `moment` and not used since."""
    return Q(created_at__lt=moment) & (Q(last_used_at__isnull=True) | Q(last_used_at__lt=moment))


def statuses(now: datetime) -> dict[str, Q]:
    """Return the condition of each status of ApiKey.shown_status. Every key satisfies exactly one."""
    return {
        "active": usable(now) & ~Q(expires_at__lte=now + EXPIRING),
        "expiring": expiring(now),
        "expired": UNREVOKED & Q(expires_at__lte=now),
        "disabled": unended(now) & ~ENABLED,
        "revoked": ~UNREVOKED,
    }
