"""The outbox: mails wait in the database, so that no request waits for a mail server."""

import threading

from django.db import transaction

from accounts.letters import MailKind
from accounts.models import Mail
from audit.actors import Origin

UNSENT_DAYS = 6  # how long to keep what a mail is about: longer than it is tried

filled = threading.Event()  # what the sender of this process, if it has one, waits for


def queue_mail(*, kind: MailKind, address: str, origin: Origin, about: int = 0) -> None:
    """Have a mail sent once the caller's transaction is committed; no mail if that fails.

    `about` is the number of the row that it is about, where the address does not say that.
    """
    Mail.objects.create(
        kind=kind,
        address=address,
        about=about,
        ip=origin.ip,
        request_id=origin.request_id,
        created_at=origin.at,
        next_try_at=origin.at,
    )
    transaction.on_commit(filled.set)
