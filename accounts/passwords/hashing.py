"""Argon2id with a bound on parallel hashes: each takes a core and 100 MiB, and strangers can cause them."""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from django.contrib.auth.hashers import Argon2PasswordHasher

from config.wire.errors import Busy

MOST_WAITING = 16  # in one process; the last one waits for some seconds
RETRY_SECONDS = 2
NICENESS = 5  # of the hashing threads (Linux): on a busy core, other threads get three times as much time

T = TypeVar("T")


class BoundedArgon2(Argon2PasswordHasher):
    """Django's hasher, but it hashes in threads of its own. Raises Busy if too many requests wait."""

    parallelism = 1  # the library would start 8 threads for each hash

    def encode(self, password: str, salt: str) -> str:
        return run(partial(super().encode, password, salt))

    def verify(self, password: str, encoded: str) -> bool:
        return run(partial(super().verify, password, encoded))


class HashThreads:
    """A pool of hashing threads with low priority, and a bound on the callers that wait for one."""

    def __init__(self, threads: int, most_waiting: int) -> None:
        self._pool = ThreadPoolExecutor(threads, "keyhouse-hash", initializer=_step_back)
        self._places = threading.BoundedSemaphore(threads + most_waiting)

    def run(self, work: Callable[[], T]) -> T:
        """Return what `work` does in one of the threads. Raises Busy."""
        if not self._places.acquire(blocking=False):
            raise Busy("Too many passwords are being checked. Try again in a few seconds.", RETRY_SECONDS)
        try:
            return self._pool.submit(work).result()
        finally:
            self._places.release()


def run(work: Callable[[], T]) -> T:
    """Return what `work`, which hashes, does in a hashing thread of this process. Raises Busy."""
    return _threads().run(work)


def _step_back() -> None:
    """Lower the priority of this thread; on Linux each thread has its own."""
    if sys.platform == "linux":
        os.nice(NICENESS)


_processes = 1
_made: HashThreads | None = None
_lock = threading.Lock()


def share_among(processes: int) -> None:
    """Let each forked process use its share of the cores for hashing, but at least one thread.

    Ends the threads of this process: there should be none when it forks.
    """
    global _processes, _made
    _processes, _made = processes, None


def _threads() -> HashThreads:
    """Return the threads of this process; the first password to hash starts them."""
    global _made
    with _lock:
        if _made is None:
            cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
            _made = HashThreads(max(1, cores // _processes), MOST_WAITING)
        return _made


def _forget() -> None:
    """Forget the threads after a fork, because the new process does not have them."""
    global _made, _lock
    _made, _lock = None, threading.Lock()


os.register_at_fork(after_in_child=_forget)
