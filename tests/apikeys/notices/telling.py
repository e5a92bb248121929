"""What tests of notices share: moments, looks for what is due, and what would be mailed."""

from datetime import datetime, timedelta

from accounts.mail.delivery import send_due
from apikeys.models import ApiKey
from apikeys.notices.expiring import tell_expiring
from apikeys.notices.writing import Told, release
from apikeys.services.api_keys import NewKey
from audit.actors import Origin

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def at(moment: datetime) -> Origin:
    return Origin("", "", moment)


def expire(key: NewKey, at: datetime, *, made: datetime) -> None:
    """Let the key be made then, and expire then."""
    ApiKey.objects.filter(pk=key.row.pk).update(expires_at=at, created_at=made)


def expiring(moment: datetime) -> list[Told]:
    """What the servers tell of expiries at this moment, all batches of it."""
    told: list[Told] = []
    while (found := tell_expiring(at(moment))) is not None:
        told += found
    return told


def days(told: list[Told]) -> list[int]:
    """How many days before the expiry these notices are for."""
    return [each.due.detail["days"] for each in told]


def send() -> None:
    """Send the mails that wait, without the wait for more to list."""
    release()
    send_due()
