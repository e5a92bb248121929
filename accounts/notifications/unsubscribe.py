"""The link in mails about API keys that ends them, without a login: a signature says whose link it is.

Security mails go on. Mail programs use the link, too (RFC 8058).
"""

import hashlib
import hmac
from uuid import UUID

from django.conf import settings
from django.db import transaction

from access.leases import wait_out_leases
from accounts.mail.link_tokens import refused
from accounts.mail.messages import link
from accounts.models import User
from accounts.notifications.kinds import SECURITY
from accounts.sessions.identity import as_actor
from audit.actors import Origin, Target
from audit.events import EventName
from audit.log import record
from config.database.rows import edit

ID_DIGITS = 32  # of a uuid in hex; as many digits of the signature follow


def link_of(user: User) -> str:
    """Return the link that ends the mails to this person."""
    return link(settings.UNSUBSCRIBE_URL, _token(user.uuid))


def headers_of(address: str) -> dict[str, str]:
    """Return the headers with which mail programs show the link (RFC 8058 section 3.1)."""
    return {"List-Unsubscribe": f"<{address}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def unsubscribe(*, token: str, origin: Origin) -> User:
    """Turn off all mails about API keys to the person of this token, except security mails.

    Raises Invalid, naming `token`, for one that Keyhouse did not sign, or whose person is gone.
    """
    number = _person_of(token)
    with transaction.atomic():
        user = User.objects.select_for_update().filter(uuid=number).first()
        if user is None:
            raise refused()
        kept = [kind for kind in user.notifications if kind in SECURITY]
        if kept != user.notifications:
            edit(User.objects.filter(pk=user.pk), notifications=kept)
            target, detail = Target.of("user", user), {"members": ["notifications"], "by": "link in a mail"}
            record(EventName.USER_CHANGED, actor=as_actor(user), origin=origin, target=target, detail=detail)
        wait_out_leases()  # no-op changes wait, too: another request may have just made the change
    return user


def _token(number: UUID) -> str:
    signature = hmac.digest(settings.UNSUBSCRIBE_KEY, number.bytes, hashlib.sha256)
    return number.hex + signature.hex()[:ID_DIGITS]


def _person_of(token: str) -> UUID:
    try:
        number = UUID(hex=token[:ID_DIGITS])
    except ValueError:
        raise refused() from None
    if not hmac.compare_digest(_token(number).encode(), token.encode()):
        raise refused()
    return number
