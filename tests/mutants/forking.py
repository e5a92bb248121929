"""Runs something in a fork of this process, with a database of its own and limits of time."""

import gc
import multiprocessing
import os
import resource
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from math import ceil
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

from django.db import connection

FORK = multiprocessing.get_context("fork")
LONGER = 3  # times as long as a fork may compute, it may take: the machine may be busy
Result = TypeVar("Result")


class NoAnswer(Exception):
    """The fork took too long, or died."""


def in_fork(work: Callable[[], Result], seconds: float) -> Result:
    """Return what `work` returns in a fork that may compute for so many seconds. Raises NoAnswer."""
    receiver, sender = FORK.Pipe(duplex=False)
    with _copy_of_database():
        child = FORK.Process(target=_answer, args=(work, sender, seconds))
        child.start()
        sender.close()
        try:
            if receiver.poll(seconds * LONGER):
                answer: Result = receiver.recv()
                return answer
        except EOFError:
            pass
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid or 0, signal.SIGKILL)
            child.join()
    raise NoAnswer(f"exit code {child.exitcode}")


def _answer(work: Callable[[], Result], sender: Connection, seconds: float) -> None:
    os.setsid()  # what the work starts ends with it
    gc.disable()  # it would touch, and so copy, all memory that the fork shares
    with open(os.devnull, "w") as nowhere:
        for stream in (1, 2):
            os.dup2(nowhere.fileno(), stream)
    limit = ceil(time.process_time() + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    sender.send(work())


@contextmanager
def _copy_of_database() -> Iterator[None]:
    """Let a fork use a copy: it may end in the middle of a transaction."""
    settings = connection.settings_dict
    name = settings["NAME"]
    copy = f"{name}-of-a-fork"
    shutil.copy(name, copy)
    settings["NAME"] = copy
    try:
        yield
    finally:
        settings["NAME"] = name
        for path in Path(copy).parent.glob(f"{Path(copy).name}*"):
            path.unlink()
