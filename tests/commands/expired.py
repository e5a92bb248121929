"""Rows that end at some moment, one of each kind that `prune` deletes."""

from datetime import datetime
from uuid import uuid4

from django.contrib.sessions.models import Session as BrowserSession

from accounts.models import (
    AttemptCount,
    EmailChange,
    EmailUndo,
    IdempotentRequest,
    PasswordReset,
    RecoveryLink,
    Registration,
    SpentChallenge,
    User,
)


def remembered(user: User, ends: datetime, name: str) -> None:
    """Create one row of each kind that ends then."""
    digest = name.encode()
    BrowserSession.objects.create(session_key=name, session_data="", expire_date=ends)
    AttemptCount.objects.create(digest=digest, attempts=1, ends_at=int(ends.timestamp()))
    SpentChallenge.objects.create(digest=digest, ends_at=int(ends.timestamp()))
    IdempotentRequest.objects.create(
        digest=digest, members=b"", resource=uuid4(), ends_at=int(ends.timestamp())
    )
    Registration.objects.create(email_key=name, email=name, digest=digest, expires_at=ends)
    PasswordReset.objects.create(user=user, email_key=name, digest=digest, expires_at=ends)
    EmailChange.objects.create(user=user, email=name, digest=digest, expires_at=ends)
    RecoveryLink.objects.create(user=user, digest=digest, expires_at=ends)
    EmailUndo.objects.create(user=user, email=name, digest=digest, expires_at=ends)
