"""Expired rows of logins, registrations and mailed links, for `prune` to delete."""

from datetime import datetime, timedelta

from django.contrib.sessions.models import Session as BrowserSession

from accounts.models import (
    AttemptCount,
    EmailChange,
    EmailUndo,
    IdempotentRequest,
    PasswordReset,
    RecoveryLink,
    Registration,
    Session,
    SpentChallenge,
)
from config.database.retention import Leftovers

SESSIONS_KEPT = timedelta(days=30)  # after their end


def leftovers(now: datetime) -> list[Leftovers]:
    """Return the rows that nothing uses or shows any more.

    Expired invitations are not among them, because a manager can send them again.
    """
    return [
        Leftovers("sessions", Session.objects.ended_before(now - SESSIONS_KEPT)),
        Leftovers("browser_sessions", BrowserSession.objects.filter(expire_date__lte=now)),
        Leftovers("attempt_counts", AttemptCount.objects.filter(ends_at__lte=int(now.timestamp()))),
        Leftovers("idempotency_keys", IdempotentRequest.objects.filter(ends_at__lte=int(now.timestamp()))),
        Leftovers("spent_challenges", SpentChallenge.objects.filter(ends_at__lte=int(now.timestamp()))),
        Leftovers("registrations", Registration.objects.filter(expires_at__lte=now)),
        Leftovers("password_resets", PasswordReset.objects.filter(expires_at__lte=now)),
        Leftovers("recovery_links", RecoveryLink.objects.filter(expires_at__lte=now)),
        Leftovers("email_undos", EmailUndo.objects.filter(expires_at__lte=now)),
        Leftovers("email_changes", EmailChange.objects.filter(expires_at__lte=now)),
    ]
