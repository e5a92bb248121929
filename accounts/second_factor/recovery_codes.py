"""The recovery codes of a person: making them, in the caller's transaction."""

from datetime import datetime, timedelta

from access import peppers
from accounts.models import RecoveryCode, User
from accounts.second_factor import totp

JUST_NOW = timedelta(minutes=1)


def make_recovery_codes(user: User, now: datetime) -> list[str]:
    """Store new codes, which replace older ones, and return them as people write them down."""
    codes = totp.new_recovery_codes()
    number, pepper = peppers.current()
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user=user, digest=totp.recovery_digest(code, pepper), pepper=number, created_at=now)
        for code in codes
    )
    return [totp.grouped(code) for code in codes]


def were_just_made(user: User, now: datetime) -> bool:
    """Whether the person got new codes a moment ago."""
    return RecoveryCode.objects.filter(user=user, created_at__gt=now - JUST_NOW).exists()
