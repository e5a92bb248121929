"""The background thread of a server process: it sends queued mail as soon as it is committed.

It also deletes expired rows (counters of attempts, idempotency keys, OAuth2 consents and access tokens), and
removes second factors at the end of a recovery.
"""

import atexit
import logging
import threading
from collections.abc import Callable
from typing import NamedTuple

from django.db import Error, close_old_connections

from accounts.idempotency import services as idempotency
from accounts.mail.delivery import send_due
from accounts.mail.outbox import filled
from accounts.second_factor.recovery import finish_recoveries
from accounts.throttling.database import sweep

LOOK_SECONDS = 5.0  # how often to look for work of other processes and for work that failed before
STOP_SECONDS = 20.0

log = logging.getLogger("keyhouse.mail")

_stopping = threading.Event()


class Job(NamedTuple):
    """A function to call in each round, and what the log says if it fails."""

    work: Callable[[], object]
    otherwise: str


_jobs = [
    Job(send_due, "mails not sent yet"),
    Job(sweep, "old counters not deleted yet"),
    Job(idempotency.sweep, "old idempotency keys not deleted yet"),
    Job(finish_recoveries, "second factors not removed yet"),
]


def register(work: Callable[[], object], otherwise: str) -> None:
    """Call `work` in each round, too; log `otherwise` if it fails."""
    _jobs.append(Job(work, otherwise))


def start(worker: object = None) -> None:
    """Start the thread of this process. At exit, the process waits until the current mail is sent."""
    thread = threading.Thread(target=_run, name="keyhouse-mail", daemon=True)
    thread.start()
    atexit.register(_stop, thread)


def _run() -> None:
    while not _stopping.is_set():
        for job in _jobs:
            _quietly(job.work, job.otherwise)
        filled.wait(LOOK_SECONDS)
        filled.clear()


def _quietly(work: Callable[[], object], otherwise: str) -> None:
    try:
        work()
    except Error as error:
        log.warning("%s: %s", otherwise, str(error).partition("\n")[0])
    except Exception:  # the thread must survive any bug: nothing else sends mail or deletes expired rows
        log.exception(otherwise)
    finally:
        close_old_connections()


def _stop(thread: threading.Thread) -> None:
    _stopping.set()
    filled.set()
    thread.join(STOP_SECONDS)
