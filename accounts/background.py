"""The background thread of a server process: it sends queued mail as soon as it is committed.

It also deletes expired rows (counters of attempts, idempotency keys, spent challenges, OAuth2 consents,
access tokens and device codes, refresh tokens of identity providers and logouts there), and removes second
factors at the end of a recovery. After the start, it encrypts with the current seed key everything that
another key encrypts.
"""

import atexit
import logging
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from django.db import Error, close_old_connections

from accounts import encrypted
from accounts.idempotency import services as idempotency
from accounts.mail.delivery import send_due
from accounts.mail.outbox import filled
from accounts.passkeys.verification import sweep as sweep_challenges
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


class Apart(NamedTuple):
    """A job with a thread of its own: it may wait for a receiver, and must not hold up other jobs."""

    thread: str
    job: Job


_renew_once = cache(encrypted.renew)  # a process has the seed keys that it started with

_jobs = [
    Job(send_due, "mails not sent yet"),
    Job(sweep, "old counters not deleted yet"),
    Job(idempotency.sweep, "old idempotency keys not deleted yet"),
    Job(sweep_challenges, "spent challenges not deleted yet"),
    Job(finish_recoveries, "second factors not removed yet"),
    Job(_renew_once, "secrets not encrypted with the current seed key yet"),
]


_apart: list[Apart] = []


def register(work: Callable[[], object], otherwise: str) -> None:
    """Call `work` in each round, too; log `otherwise` if it fails."""
    _jobs.append(Job(work, otherwise))


def register_apart(thread: str, work: Callable[[], object], otherwise: str) -> None:
    """Call `work` again and again in a thread of this name; log `otherwise` if it fails."""
    _apart.append(Apart(thread, Job(work, otherwise)))


def start(worker: object = None) -> None:
    """Start the threads of this process. At exit, the process waits until the current mail is sent."""
    threads = [threading.Thread(target=_run, name="keyhouse-mail", daemon=True)]
    threads += [
        threading.Thread(target=_run_apart, args=(each.job,), name=each.thread, daemon=True)
        for each in _apart
    ]
    for thread in threads:
        thread.start()
    atexit.register(_stop, threads)


def _run() -> None:
    while not _stopping.is_set():
        for job in _jobs:
            quietly(job.work, job.otherwise)
            close_old_connections()
        filled.wait(LOOK_SECONDS)
        filled.clear()


def _run_apart(job: Job) -> None:
    while not _stopping.is_set():
        quietly(job.work, job.otherwise)
        close_old_connections()
        _stopping.wait(LOOK_SECONDS)


def quietly(work: Callable[[], object], otherwise: str) -> None:
    """Do some work; if it fails, log why, so that other work goes on."""
    try:
        work()
    except Error as error:
        log.warning("%s: %s", otherwise, str(error).partition("\n")[0])
    except Exception:  # the thread must survive any bug: nothing else sends mail or deletes expired rows
        log.exception(otherwise)


def _stop(threads: list[threading.Thread]) -> None:
    _stopping.set()
    filled.set()
    end = time.monotonic() + STOP_SECONDS
    for thread in threads:
        thread.join(max(0, end - time.monotonic()))
