"""The outbox: mails wait in the database, so requests do not wait for a mail server."""

import threading
from datetime import datetime

from django.db import transaction

from accounts.mail.messages import MailKind
from accounts.models import Mail
from audit.actors import Origin

UNSENT_DAYS = 6  # how long to keep the row that a mail is about: longer than delivery is tried

filled = threading.Event()  # wakes the sender of this process, if it has one


def queue_mail(
    *, kind: MailKind, address: str, origin: Origin, about: int = 0, due_at: datetime | None = None
) -> None:
    """Queue a mail in the caller's transaction; it is sent after the commit, or at `due_at` (UTC).

    `about` is the primary key of the row that the mail is about, if the address does not identify it.
    """
    Mail.objects.create(
        kind=kind,
        address=address,
        about=about,
        ip=origin.ip,
        request_id=origin.request_id,
        created_at=due_at or origin.at,
        next_try_at=due_at or origin.at,
    )
    transaction.on_commit(filled.set)
