"""Ending sessions, in the transaction of a caller who records why."""

from datetime import datetime

from django.db.models import Q, QuerySet

from accounts.models import Session, User

NO_SESSION = Q(pk=None)


def end_all_sessions(user: User, now: datetime, *, but: Q = NO_SESSION) -> int:
    """End every session of a person, and every browser's login to the admin. Return how many sessions.

    Sessions for which `but` holds go on.
    """
    User.objects.filter(pk=user.pk).update(sessions_ended_at=now)
    return end_sessions(Session.objects.filter(user=user).exclude(but), now)


def end_sessions(sessions: QuerySet[Session], now: datetime) -> int:
    """End those of `sessions` that have not ended, and return how many there were."""
    return sessions.filter(ended_at__isnull=True).update(ended_at=now)
