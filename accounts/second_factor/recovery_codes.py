"""Making the recovery codes of a person, in the caller's transaction."""

from datetime import datetime

from access import peppers
from accounts.models import RecoveryCode, User
from accounts.second_factor import totp


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
