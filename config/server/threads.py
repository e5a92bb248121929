"""A thread pool for work that may block, with a bounded queue."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


class QueueFull(Exception):
    """No more work can wait for a thread."""


class Threads:
    """A few threads and a queue of at most `max_queued` pieces of work."""

    def __init__(self, name: str, threads: int, max_queued: int) -> None:
        self._pool = ThreadPoolExecutor(threads, f"keyhouse-{name}")
        self._places = threading.BoundedSemaphore(threads + max_queued)

    async def run(self, work: Callable[[], Result]) -> Result:
        """Return the result of `work`, which runs in one of the threads. Raises QueueFull.

        If the caller is cancelled, work in the queue is dropped. Work that has begun runs to its end and
        keeps its place until then.
        """
        if not self._places.acquire(blocking=False):
            raise QueueFull
        queued = [work]

        def release(_: "Future[Result]") -> None:
            queued.clear()  # the executor keeps cancelled work, and with it the body of the request
            self._places.release()

        future = self._pool.submit(lambda: queued.pop()())
        future.add_done_callback(release)
        return await asyncio.wrap_future(future)

    def stop(self) -> None:
        """Wait until all work is done, then end the threads."""
        self._pool.shutdown()


class Turns(Threads):
    """Threads for work that takes turns, so that it does not compete for the interpreter.

    A turn ends with the work, or after `turn_seconds`: work that waits for something else does not keep the
    rest waiting.
    """

    def __init__(self, name: str, threads: int, max_queued: int, turn_seconds: float) -> None:
        super().__init__(name, threads, max_queued)
        self._turn = asyncio.Semaphore(1)
        self._turn_seconds = turn_seconds
        self._waiting, self._max_waiting = 0, max_queued

    async def run(self, work: Callable[[], Result]) -> Result:
        """Do as `Threads.run` does, when the turn of `work` has come."""
        if self._waiting == self._max_waiting:
            raise QueueFull
        self._waiting += 1
        try:
            await self._turn.acquire()
        finally:
            self._waiting -= 1
        running = asyncio.ensure_future(super().run(work))
        try:
            await asyncio.wait({running}, timeout=self._turn_seconds)
        except asyncio.CancelledError:
            running.cancel()
            raise
        finally:
            self._turn.release()
        return await running
