"""A thread pool for work that may block, with a bounded queue."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from config.server.fairness import Waiting

Result = TypeVar("Result")


class QueueFull(Exception):
    """No more work can wait for a thread."""


class Threads:
    """A few threads, and at most `max_queued` pieces of work that wait for one. Clients take turns."""

    def __init__(self, name: str, threads: int, max_queued: int) -> None:
        self._pool = ThreadPoolExecutor(threads, f"keyhouse-{name}")
        self._places = threading.BoundedSemaphore(threads + max_queued)
        self._queue = Waiting[Callable[[], None]]()

    async def run(self, work: Callable[[], Result], address: str = "", credential: str = "") -> Result:
        """Return the result of `work` of a client, which runs in one of the threads. Raises QueueFull.

        If the caller is cancelled, work in the queue is dropped. Work that has begun runs to its end and
        keeps its place until then.
        """
        if not self._places.acquire(blocking=False):
            raise QueueFull
        queued, future = [work], Future[Result]()

        def release(_: "Future[Result]") -> None:
            queued.clear()  # the queue keeps cancelled work, and with it the body of the request
            self._places.release()

        future.add_done_callback(release)
        self._queue.put(partial(_settle, future, queued), address, credential)
        self._pool.submit(lambda: self._queue.take()())
        return await asyncio.wrap_future(future)

    def stop(self) -> None:
        """Wait until all work is done, then end the threads."""
        self._pool.shutdown()


def _settle(future: "Future[Result]", queued: list[Callable[[], Result]]) -> None:
    """Do the work, unless it was cancelled, and give the future its result or its error."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = queued.pop()()
    except BaseException as error:  # as ThreadPoolExecutor does
        future.set_exception(error)
    else:
        future.set_result(result)


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

    async def run(self, work: Callable[[], Result], address: str = "", credential: str = "") -> Result:
        """Do as `Threads.run` does, when the turn of `work` has come."""
        if self._waiting == self._max_waiting:
            raise QueueFull
        self._waiting += 1
        try:
            await self._turn.acquire()
        finally:
            self._waiting -= 1
        running = asyncio.ensure_future(super().run(work, address, credential))
        try:
            await asyncio.wait({running}, timeout=self._turn_seconds)
        except asyncio.CancelledError:
            running.cancel()
            raise
        finally:
            self._turn.release()
        return await running
