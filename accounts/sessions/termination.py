"""Ending sessions in the caller's transaction; the caller records the reason."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q, QuerySet

from accounts.models import Session, User

NO_SESSION = Q(pk=None)


def end_all_sessions(user: User, now: datetime, *, but: Q = NO_SESSION) -> int:
    """End every session of a person. Return how many ended.

    Sessions that match `but` stay live.
    """
    User.objects.filter(pk=user.pk).update(sessions_ended_at=now)
    return end_sessions(Session.objects.filter(user=user).exclude(but), now)


def end_what_is_left(people: Iterable[User], now: datetime, *, but: Q = NO_SESSION) -> dict[User, int]:
    """Call `end_all_sessions` for each of these locked people; return the counts of those who had any.

    Logins that have begun, but have no session yet, end for all of them.
    """
    counts = {user: end_all_sessions(user, now, but=but) for user in people}
    return {user: count for user, count in counts.items() if count}


def end_sessions(sessions: QuerySet[Session], now: datetime) -> int:
    """End the sessions that have not ended yet, and return how many did."""
    return sessions.filter(ended_at__isnull=True).update(ended_at=now)
