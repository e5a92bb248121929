"""The thread of a server process that sends what is in the outbox, as soon as it is there.

It also deletes what has ended by itself (counters of attempts, consents and access tokens of OAuth2), and
removes second factors at the end of a recovery.
"""

import atexit
import logging
import threading
from collections.abc import Callable
from typing import NamedTuple

from django.db import Error, close_old_connections

from accounts.mail.delivery import send_due
from accounts.mail.outbox import filled
from accounts.second_factor.recovery import finish_recoveries
from accounts.throttling.database import sweep

LOOK_SECONDS = 5.0  # how often to look for what other processes left, and for what failed before
STOP_SECONDS = 20.0

log = logging.getLogger("keyhouse.mail")

_stopping = threading.Event()


class Job(NamedTuple):
    """What is done again and again, and what the log says if the database did not answer."""

    work: Callable[[], object]
    otherwise: str


_jobs = [
    Job(send_due, "mails not sent yet"),
    Job(sweep, "old counters not deleted yet"),
    Job(finish_recoveries, "second factors not removed yet"),
]


def register(work: Callable[[], object], otherwise: str) -> None:
    """Have this done, too, in each round."""
    _jobs.append(Job(work, otherwise))


def start(worker: object = None) -> None:
    """Start the sender of this process; at the end, a mail that is being sent is sent to its end."""
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
    except Exception:  # whatever bug one round meets, the thread must live: nobody else sends mails or sweeps
        log.exception(otherwise)
    finally:
        close_old_connections()


def _stop(thread: threading.Thread) -> None:
    _stopping.set()
    filled.set()
    thread.join(STOP_SECONDS)
