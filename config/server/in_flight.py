"""How many requests of one client are in flight."""

from collections import defaultdict
from typing import NamedTuple


class TooManyInFlight(Exception):
    """A client has as many requests in flight as it may have."""


class InFlight:
    """Counts requests in flight by client. Belongs to one event loop."""

    def __init__(self, max_of_one: int) -> None:
        self._max_of_one = max_of_one
        self._counts: defaultdict[tuple[str, str], int] = defaultdict(int)

    def count(self, **clients: str) -> "Counted":
        """Return a context that counts a request, for example with address="192.0.2.7".

        Each keyword is counted separately, because clients choose the text of their credential: nobody can
        use up the limit of an address by sending it as a credential. Empty texts are not counted.

        Raises TooManyInFlight if one of the clients is at its limit.
        """
        counted = [client for client in clients.items() if client[1]]
        if any(self._counts.get(client, 0) >= self._max_of_one for client in counted):
            raise TooManyInFlight
        return Counted(self._counts, counted)


class Counted(NamedTuple):
    """Clients whose request is in flight while the block runs."""

    counts: defaultdict[tuple[str, str], int]
    clients: list[tuple[str, str]]

    def __enter__(self) -> None:
        for client in self.clients:
            self.counts[client] += 1

    def __exit__(self, *error: object) -> None:
        for client in self.clients:
            self.counts[client] -= 1
            if not self.counts[client]:
                del self.counts[client]
