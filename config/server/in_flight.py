"""How many requests of one client are in flight."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class TooManyInFlight(Exception):
    """A client has as many requests in flight as it may have."""


class InFlight:
    """Counts requests in flight by client. Belongs to one event loop."""

    def __init__(self, max_of_one: int) -> None:
        self._max_of_one = max_of_one
        self._counts: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def count(self, **clients: str) -> Iterator[None]:
        """Count a request while the block runs, for example with address="192.0.2.7".

        Each keyword is counted separately, because clients choose the text of their credential: nobody can
        use up the limit of an address by sending it as a credential. Empty texts are not counted.

        Raises TooManyInFlight if one of the clients is at its limit.
        """
        counted = [(kind, text) for kind, text in clients.items() if text]
        if any(self._counts[client] >= self._max_of_one for client in counted):
            raise TooManyInFlight
        self._counts.update(counted)
        try:
            yield
        finally:
            self._counts.subtract(counted)
            for client in counted:
                if not self._counts[client]:
                    del self._counts[client]
