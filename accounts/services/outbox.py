"""The outbox: mails wait in the database, so that no request waits for a mail server."""

import threading

from django.db import transaction

from accounts.letters import MailKind
from accounts.models import Mail
from audit.actors import Origin

filled = threading.Event()  # what the sender of this process, if it has one, waits for


def queue_mail(*, kind: MailKind, address: str, origin: Origin) -> None:
    """Have a mail sent once the caller's transaction is committed; no mail if that fails."""
    Mail.objects.create(
        kind=kind,
        address=address,
        ip=origin.ip,
        request_id=origin.request_id,
        created_at=origin.at,
        next_try_at=origin.at,
    )
    transaction.on_commit(filled.set)
