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
    """Call `end_all_sessions` for each of these locked people who has anything to end."""
    return {user: end_all_sessions(user, now, but=but) for user in people if _is_anything_left(user, but)}


def _is_anything_left(user: User, but: Q) -> bool:
    return Session.objects.filter(user=user, ended_at__isnull=True).exclude(but).exists()


def end_sessions(sessions: QuerySet[Session], now: datetime) -> int:
    """End the sessions that have not ended yet, and return how many did."""
    return sessions.filter(ended_at__isnull=True).update(ended_at=now)
