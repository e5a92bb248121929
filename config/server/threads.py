"""Threads for what may block, with a queue that has an end."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


class Busy(Exception):
    """As many requests wait for a thread as may."""


class Threads:
    """A few threads, and so many requests at most that wait for one of them."""

    def __init__(self, name: str, threads: int, most_queued: int) -> None:
        self._pool = ThreadPoolExecutor(threads, f"keyhouse-{name}")
        self._places = threading.BoundedSemaphore(threads + most_queued)

    async def run(self, work: Callable[[], Result]) -> Result:
        """Return what `work` does in one of the threads. Raises Busy at once if the queue is full.

        Work that has begun goes on if the request is gone meanwhile, and keeps its place until then.
        """
        if not self._places.acquire(blocking=False):
            raise Busy
        future = self._pool.submit(work)
        future.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(future)

    def stop(self) -> None:
        """Return when all work is done."""
        self._pool.shutdown()
