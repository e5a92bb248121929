"""What logging in, registering and mailed links leave behind."""

from datetime import datetime, timedelta

from django.contrib.sessions.models import Session as BrowserSession

from accounts.models import (
    AttemptCount,
    EmailChange,
    EmailUndo,
    PasswordReset,
    RecoveryLink,
    Registration,
    Session,
)
from config.database.retention import Leftovers

SESSIONS_KEPT = timedelta(days=30)  # after their end


def leftovers(now: datetime) -> list[Leftovers]:
    """Return what has no meaning any more: nothing in it could be used, or shows anywhere.

    Not so invitations that have expired, which can be sent again.
    """
    return [
        Leftovers("sessions", Session.objects.ended_before(now - SESSIONS_KEPT)),
        Leftovers("browser_sessions", BrowserSession.objects.filter(expire_date__lte=now)),
        Leftovers("attempt_counts", AttemptCount.objects.filter(ends_at__lte=int(now.timestamp()))),
        Leftovers("registrations", Registration.objects.filter(expires_at__lte=now)),
        Leftovers("password_resets", PasswordReset.objects.filter(expires_at__lte=now)),
        Leftovers("recovery_links", RecoveryLink.objects.filter(expires_at__lte=now)),
        Leftovers("email_undos", EmailUndo.objects.filter(expires_at__lte=now)),
        Leftovers("email_changes", EmailChange.objects.filter(expires_at__lte=now)),
    ]
