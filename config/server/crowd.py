"""How many requests of one address, and of one credential, are in work at once."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from config.server.limits import MOST_OF_ONE


class TooManyAtOnce(Exception):
    """So many requests of one client are in work, or wait for their answer, that no more are taken."""


class Crowd:
    """Requests in work, by whom they come from. Belongs to one event loop."""

    def __init__(self) -> None:
        self._present: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def member(self, **names: str) -> Iterator[None]:
        """Count a request under these names, the empty ones left out, as long as it is in work.

        A name counts under its kind: clients choose what they send as their credential. Raises TooManyAtOnce
        if there are MOST_OF_ONE under one of them.
        """
        named = [(kind, name) for kind, name in names.items() if name]
        if any(self._present[name] >= MOST_OF_ONE for name in named):
            raise TooManyAtOnce
        self._present.update(named)
        try:
            yield
        finally:
            self._present.subtract(named)
            for name in named:
                if not self._present[name]:
                    del self._present[name]
