"""The outbox: mails wait in the database, so that no request waits for a mail server."""

import threading
from datetime import datetime

from django.db import transaction

from accounts.mail.messages import MailKind
from accounts.models import Mail
from audit.actors import Origin

UNSENT_DAYS = 6  # how long to keep what a mail is about: longer than it is tried

filled = threading.Event()  # what the sender of this process, if it has one, waits for


def queue_mail(
    *, kind: MailKind, address: str, origin: Origin, about: int = 0, due_at: datetime | None = None
) -> None:
    """Have a mail sent once the caller's transaction is committed, or later (`due_at`, UTC).

    No mail if the transaction fails. `about` is the number of the row that it is about, where the address
    does not say that.
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
