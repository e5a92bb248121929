"""A thread pool for work that may block, with a bounded queue."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from config.server.fairness import Waiting

Result = TypeVar("Result")


class QueueFull(Exception):
    """No more work can wait for a thread."""


class _Job(Generic[Result]):
    """Work, and what came of it. `is_done` is the loop's."""

    __slots__ = ("error", "is_done", "loop", "result", "work")
    result: Result

    def __init__(self, work: Callable[[], Result], loop: asyncio.AbstractEventLoop) -> None:
        self.work = [work]  # empty once a thread has taken it, or nobody wants it any more
        self.loop, self.is_done = loop, loop.create_future()
        self.error: BaseException | None = None

    def take(self) -> Callable[[], Result] | None:
        """Return the work to the first who asks: the thread that is to do it, or the loop that drops it."""
        try:
            return self.work.pop()
        except IndexError:
            return None


class Threads:
    """A few threads, and at most `max_queued` pieces of work that wait for one. Clients take turns.

    Belongs to one event loop. What threads have done while the loop was busy, it takes at once.
    """

    def __init__(self, name: str, threads: int, max_queued: int) -> None:
        self._name, self._most = name, threads
        self._places = self._free = threads + max_queued
        self._queue = Waiting[_Job[Any]]()
        self._tokens = SimpleQueue[bool]()  # True for each piece of work in the queue, False to end a thread
        self._threads: list[threading.Thread] = []
        self._done = deque[_Job[Any]]()
        self._is_loop_called = False  # it will look at what is done

    async def run(self, work: Callable[[], Result], address: str = "", credential: str = "") -> Result:
        """Return the result of `work` of a client, which runs in one of the threads. Raises QueueFull.

        If the caller is cancelled, work in the queue is dropped. Work that has begun runs to its end and
        keeps its place until then.
        """
        if not self._free:
            raise QueueFull
        job = _Job(work, asyncio.get_running_loop())
        self._free -= 1
        self._queue.put(job, address, credential)
        self._tokens.put(True)
        if len(self._threads) < min(self._places - self._free, self._most):
            self._start_thread()
        try:
            await job.is_done
        except asyncio.CancelledError:
            if job.take() is not None:  # the queue keeps the rest of it
                self._free += 1
            raise
        if job.error is not None:
            raise job.error
        return job.result

    def _start_thread(self) -> None:
        name = f"keyhouse-{self._name}_{len(self._threads)}"
        self._threads.append(threading.Thread(target=self._work, name=name, daemon=True))
        self._threads[-1].start()

    def _work(self) -> None:
        while self._tokens.get():
            self._do(self._queue.take())

    def _do(self, job: _Job[Any]) -> None:
        """Do the work, unless it was dropped, and tell the loop."""
        work = job.take()
        if work is None:
            return
        try:
            job.result = work()
        except BaseException as error:  # `run` raises it
            job.error = error
        self._done.append(job)
        if not self._is_loop_called:
            self._is_loop_called = True
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                job.loop.call_soon_threadsafe(self._take_done)

    def _take_done(self) -> None:
        self._is_loop_called = False  # first: what is done from now on calls the loop again
        while self._done:
            job = self._done.popleft()
            self._free += 1
            if not job.is_done.done():
                job.is_done.set_result(None)

    def stop(self) -> None:
        """Wait until all work is done, then end the threads."""
        for _ in self._threads:
            self._tokens.put(False)
        for thread in self._threads:
            thread.join()


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
