"""How many bytes of request bodies a worker holds: in total, and of one address."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from config.server import limits
from config.server.refusals import RefusedRequest

TOO_MUCH_OF_ONE = "You are sending too much at once. Wait for the answers to your other requests."
TOO_MUCH = "The server holds too many request bodies. Try again in a second."


class BodyMemory:
    """Counts the bytes that have arrived, not those that a Content-Length announces.

    When all memory is in use, the body that has been arriving longest is refused: slow clients, from however
    many addresses, cannot keep out those that send their body in one piece.

    Belongs to one event loop.
    """

    def __init__(self) -> None:
        self.arriving: dict[Share, None] = {}  # the oldest first
        self._total = 0
        self._of_address: Counter[str] = Counter()

    @contextmanager
    def share(self, address: str) -> Iterator["Share"]:
        """Return a share for the body of one request, which is given back when the block ends.

        An empty address has no limit of its own.
        """
        share = Share(self, address)
        try:
            yield share
        finally:
            self._give_back(share)

    def take(self, share: "Share", size: int) -> None:
        """Add bytes to a share. Raises RefusedRequest."""
        of_address = self._of_address[share.address] + size
        if share.address and of_address > limits.MAX_BODIES_OF_ONE_ADDRESS:
            raise RefusedRequest(429, "too_many_requests", TOO_MUCH_OF_ONE, retry_after=1)
        while self._total + size > limits.MAX_BODIES:
            self._make_room(share)
        share.size += size
        self._total += size
        self._of_address[share.address] += size

    def _make_room(self, newcomer: "Share") -> None:
        oldest = next((share for share in self.arriving if share.size), newcomer)
        if oldest is newcomer:
            raise no_room()
        self._give_back(oldest)
        oldest.withdraw()

    def _give_back(self, share: "Share") -> None:
        self._total -= share.size
        self._of_address[share.address] -= share.size
        share.size = 0
        if not self._of_address[share.address]:
            del self._of_address[share.address]


class Share:
    """The memory that the body of one request takes."""

    def __init__(self, memory: BodyMemory, address: str) -> None:
        self.address = address
        self.size = 0
        self.is_withdrawn = False
        self._memory = memory
        self._deadline: asyncio.Timeout | None = None

    @contextmanager
    def arriving(self, deadline: asyncio.Timeout) -> Iterator[None]:
        """The body arrives while the block runs. If others need its place, `deadline` passes at once."""
        self._deadline = deadline
        self._memory.arriving[self] = None
        try:
            yield
        finally:
            self._memory.arriving.pop(self, None)
            self._deadline = None

    def take(self, size: int) -> None:
        """Count more bytes. Raises RefusedRequest."""
        if self.is_withdrawn:
            raise no_room()
        self._memory.take(self, size)

    def withdraw(self) -> None:
        """Stop the body from arriving."""
        self.is_withdrawn = True
        self._memory.arriving.pop(self, None)
        if self._deadline is not None:
            self._deadline.reschedule(asyncio.get_running_loop().time())


def no_room() -> RefusedRequest:
    return RefusedRequest(503, "unavailable", TOO_MUCH, retry_after=1)
