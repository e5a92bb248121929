"""Work that costs little more for many requests than for one: what comes during a batch makes the next."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, NamedTuple, TypeVar, cast

from config.server.fairness import Waiting
from config.server.threads import QueueFull, Threads

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batches(Generic[Item, Result]):
    """Batches of at most `most` items, `at_once` of them at a time in `threads`. Belongs to one event loop.

    At most `max_waiting` items wait for their batch, and addresses take turns. A cancelled item leaves.
    """

    def __init__(
        self,
        threads: Threads,
        work: Callable[[Sequence[Item]], Sequence[Result]],
        *,
        most: int,
        at_once: int,
        max_waiting: int,
    ) -> None:
        self._threads, self._work = threads, work
        self._most, self._at_once, self._max_waiting = most, at_once, max_waiting
        self._count, self._waiting = 0, Waiting[_Place[Item, Result]]()
        self._running = set[asyncio.Task[None]]()

    async def run(self, item: Item, address: str) -> Result:
        """Return the result of a client's `item`. Raises QueueFull, and what the work on its batch raises."""
        if self._count == self._max_waiting:
            raise QueueFull
        place: _Place[Item, Result] = _Place(item, asyncio.get_running_loop().create_future())
        self._waiting.put(place, address, "")
        self._count += 1
        if len(self._running) < self._at_once:
            self._running.add(asyncio.create_task(self._run()))
        try:
            return await place.result
        except asyncio.CancelledError:
            self._count -= self._waiting.drop(place, address, "")
            raise

    async def _run(self) -> None:
        """Work on batches until nothing waits."""
        while self._count:
            taken = [self._waiting.take() for _ in range(min(self._count, self._most))]
            self._count -= len(taken)
            await self._run_one([place for place in taken if not place.result.done()])
        self._running.remove(cast("asyncio.Task[None]", asyncio.current_task()))

    async def _run_one(self, batch: "Sequence[_Place[Item, Result]]") -> None:
        items = [place.item for place in batch]
        try:
            results = await self._threads.run(partial(self._work, items))
            answered = list(zip(batch, results, strict=True))
        except Exception as error:  # each request says it as its own
            for place in batch:
                if not place.result.done():
                    place.result.set_exception(error)
            return
        for place, result in answered:
            if not place.result.done():
                place.result.set_result(result)


class _Place(NamedTuple, Generic[Item, Result]):
    """An item, and its result to come; it is done before if the request was cancelled."""

    item: Item
    result: "asyncio.Future[Result]"
