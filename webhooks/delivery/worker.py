"""Threads of this process that send to webhooks. A slow receiver holds up only one of them, and no mail."""

import logging
import threading
import time

from django.conf import settings
from django.db import connection

from accounts.background import quietly
from accounts.mail.outbox import filled
from webhooks.delivery.turns import Turn, claimed_turns, take

MOST_AT_ONCE = 8  # turns in this process

_free = threading.BoundedSemaphore(MOST_AT_ONCE)

log = logging.getLogger("keyhouse.webhooks")


def send_due() -> None:
    """Begin the turns of webhooks for which something waits, each in a thread, and do not wait for them."""
    free = 0
    while free < MOST_AT_ONCE and _free.acquire(blocking=False):
        free += 1
    try:
        for turn in claimed_turns(free):
            threading.Thread(target=_work, args=(turn,), name="keyhouse-webhook", daemon=True).start()
            free -= 1
    finally:
        for _ in range(free):
            _free.release()


def _work(turn: Turn) -> None:
    try:
        time.sleep(settings.EPOCH_LEASE_SECONDS)  # until every worker knows what the events report
        quietly(lambda: take(turn), "a webhook not sent to yet")
    finally:
        connection.close()
        _free.release()
        filled.set()  # more may wait
