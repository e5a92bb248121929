"""Work for many requests at once: what comes during a batch makes the next one."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence

import pytest

from config.server.answers import Answer, Unread
from config.server.batches import Batches
from config.server.threads import QueueFull, Threads
from config.wire.http.heads import Head
from tests.config.server.serving import connect, get, serving, tasks_begin
from tests.config.server.test_at_once import ask, in_a_thread

pytestmark = pytest.mark.once

HERE, THERE = "192.0.2.1", "192.0.2.2"


class Work:
    """Doubles numbers in batches, and keeps the first batch until the test opens it."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.opened = threading.Event()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        assert len(self.batches) > 1 or self.opened.wait(60)
        if 0 in items:
            raise ValueError("of the test")
        return [2 * item for item in items]


@pytest.fixture
def work() -> Work:
    return Work()


def finish(test: Coroutine[None, None, None]) -> None:
    """Run a test that fails, instead of waiting forever, if nobody is woken."""
    asyncio.run(asyncio.wait_for(test, timeout=30))


Run = Callable[[int, str], "asyncio.Task[int]"]


def in_batches(
    work: Work, test: Callable[[Run], Awaitable[None]], most: int = 4, max_waiting: int = 9, at_once: int = 1
) -> None:
    """Run a test while item 1 of another address is worked on."""

    async def main() -> None:
        threads = Threads("test", 2, 9)
        batches = Batches[int, int](threads, work, most=most, at_once=at_once, max_waiting=max_waiting)

        def run(item: int, address: str = HERE) -> "asyncio.Task[int]":
            return asyncio.create_task(batches.run(item, address))

        first = run(1, THERE)
        while not work.batches:
            await asyncio.sleep(0.001)  # a thread has begun
        await test(run)
        assert await first == 2
        threads.stop()

    finish(main())


def test_what_comes_during_a_batch_makes_the_next_ones_of_limited_size(work: Work) -> None:
    async def test(run: Run) -> None:
        later = [run(item, HERE) for item in range(2, 8)]
        await tasks_begin()
        work.opened.set()
        assert await asyncio.gather(*later) == [4, 6, 8, 10, 12, 14]

    in_batches(work, test)
    assert work.batches == [[1], [2, 3, 4, 5], [6, 7]]


def test_a_batch_takes_from_each_address_in_turn(work: Work) -> None:
    async def test(run: Run) -> None:
        later = [*(run(item, HERE) for item in (2, 3, 4, 5)), run(9, THERE)]
        await tasks_begin()
        work.opened.set()
        await asyncio.gather(*later)

    in_batches(work, test, most=2)
    assert work.batches == [[1], [2, 9], [3, 4], [5]]


def test_an_error_is_one_of_its_own_batch_only(work: Work) -> None:
    async def test(run: Run) -> None:
        failing = [run(item, HERE) for item in (0, 2)]
        await tasks_begin()
        work.opened.set()
        for each in failing:
            with pytest.raises(ValueError, match="of the test"):
                await each
        assert await run(3, HERE) == 6

    in_batches(work, test)


def test_a_cancelled_item_is_left_out_and_leaves_its_place(work: Work) -> None:
    async def test(run: Run) -> None:
        gone, kept = run(2, HERE), run(3, HERE)
        await tasks_begin()
        gone.cancel()
        work.opened.set()
        assert await kept == 6

    in_batches(work, test)
    assert work.batches == [[1], [3]]


def test_a_cancelled_item_gives_its_place_to_another(work: Work) -> None:
    async def test(run: Run) -> None:
        gone = run(2, HERE)
        await tasks_begin()
        gone.cancel()
        await asyncio.wait({gone})
        kept = run(3, HERE)
        await tasks_begin()
        with pytest.raises(QueueFull):
            await run(4, HERE)
        work.opened.set()
        assert await kept == 6

    in_batches(work, test, max_waiting=1)
    assert work.batches == [[1], [3]]


@pytest.mark.parametrize("fails", [False, True], ids=["good", "failing"])
def test_an_item_that_is_cancelled_while_its_batch_runs_holds_up_no_other(work: Work, fails: bool) -> None:
    async def main() -> None:
        threads = Threads("test", 1, 9)
        batches = Batches[int, int](threads, work, most=4, at_once=1, max_waiting=9)
        gone, kept = (asyncio.create_task(batches.run(item, HERE)) for item in (0 if fails else 1, 2))
        while not work.batches:
            await asyncio.sleep(0.001)  # a thread has begun
        gone.cancel()
        await asyncio.wait({gone})
        work.opened.set()
        await asyncio.wait({kept})
        assert isinstance(kept.exception(), ValueError) if fails else kept.result() == 4
        assert await batches.run(3, HERE) == 6
        threads.stop()

    finish(main())
    assert work.batches == [[0 if fails else 1, 2], [3]]


def test_a_batch_that_hangs_holds_up_no_other_while_a_thread_is_free(work: Work) -> None:
    async def test(run: Run) -> None:
        assert await run(2, HERE) == 4
        work.opened.set()

    in_batches(work, test, at_once=2)


def test_work_that_forgets_an_item_fails_its_batch_and_no_later_one() -> None:
    async def main() -> None:
        threads, forgetful = Threads("test", 1, 9), [True]

        def work(items: Sequence[int]) -> list[int]:
            return [] if forgetful.pop() else list(items)

        batches = Batches[int, int](threads, work, most=4, at_once=1, max_waiting=9)
        with pytest.raises(ValueError, match="shorter"):
            await batches.run(1, HERE)
        forgetful.append(False)
        assert await batches.run(2, HERE) == 2
        threads.stop()

    finish(main())


def test_more_items_than_may_wait_are_refused(work: Work) -> None:
    async def test(run: Run) -> None:
        waiting = [run(2, HERE), run(3, HERE)]
        await tasks_begin()
        with pytest.raises(QueueFull):
            await run(4, THERE)
        work.opened.set()
        assert await asyncio.gather(*waiting) == [4, 6]

    in_batches(work, test, max_waiting=2)


def test_a_batch_that_finds_no_thread_refuses_its_items(work: Work) -> None:
    async def main() -> None:
        threads = Threads("test", 1, 0)
        busy = asyncio.create_task(threads.run(work.opened.wait))
        await tasks_begin()
        with pytest.raises(QueueFull):
            await Batches[int, int](threads, work, most=1, at_once=1, max_waiting=1).run(1, HERE)
        work.opened.set()
        await busy
        threads.stop()

    finish(main())


class UnreadCheck(Unread):
    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path


@pytest.mark.parametrize("ending", ["", "Connection: close"], ids=["plain", "parsed"])
def test_an_unread_check_is_answered_together_with_others_or_else_in_a_thread(ending: str) -> None:
    def from_memory(head: Head) -> UnreadCheck | None:
        return UnreadCheck(head.path_info) if head.path_info.startswith("/check") else None

    def together(checks: Sequence[UnreadCheck]) -> list[Answer | None]:
        found = Answer(200, [(b"Content-Length", b"9")], b"together;")
        return [found if check.path == "/check/key" else None for check in checks]

    with serving(in_a_thread, from_memory=from_memory, together=together) as server:
        for path, said in (("/check/key", b"together;"), ("/check/other", b"thread /check/other;")):
            with connect(server.port) as client:
                assert ask(client, get(path, *filter(None, [ending])), until=b";").endswith(said)
