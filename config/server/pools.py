"""Which threads answer which requests, so that one kind of request cannot hold up the others."""

from typing import NamedTuple

from config.server import limits
from config.server.in_flight import InFlight
from config.server.threads import Threads, Turns

READING = {"GET", "HEAD", "OPTIONS"}


class Paths(NamedTuple):
    """How the paths of each kind of request begin. All other requests are of a kind of their own."""

    probes: tuple[str, ...]  # of load balancers and orchestrators
    checks: tuple[str, ...]  # of proxies, whose clients wait meanwhile
    passwords: tuple[str, ...]  # each waits for the hash of a password
    changes: tuple[str, ...]  # of the API, with a method that changes something
    queries: tuple[str, ...]  # of the API, with POST, but change nothing


class Pool(NamedTuple):
    """Threads for one kind of request, and how many requests one client has in flight.

    Where credentials are not counted, many clients may share one: a key behind a gateway.
    """

    threads: Threads
    in_flight: InFlight
    counts_credentials: bool = False


class Pools:
    """The threads of a worker process."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        probes = Threads("probes", limits.PROBE_THREADS, limits.MAX_QUEUED_PROBES)
        self.checks = Threads("checks", limits.CHECK_THREADS, limits.MAX_QUEUED_CHECKS)
        passwords = Threads("passwords", limits.PASSWORD_THREADS, limits.MAX_QUEUED_PASSWORDS)
        changes = Turns("changes", limits.CHANGE_THREADS, limits.MAX_QUEUED_OTHERS, limits.TURN_SECONDS)
        others = Threads("others", limits.OTHER_THREADS, limits.MAX_QUEUED_OTHERS)
        in_flight = InFlight(limits.MAX_OTHERS_OF_ONE_CLIENT)
        self._changes = Pool(changes, in_flight, counts_credentials=True)
        self._others = Pool(others, in_flight, counts_credentials=True)
        self._by_path = (
            (paths.checks, Pool(self.checks, InFlight(limits.MAX_CHECKS_OF_ONE_ADDRESS))),
            (paths.probes, Pool(probes, InFlight(limits.MAX_PROBES_OF_ONE_ADDRESS))),
            (paths.passwords, Pool(passwords, in_flight, counts_credentials=True)),
        )

    def pool_for(self, method: str | None, path: str) -> Pool:
        rest = self._changes if self._is_change(method, path) else self._others
        return next((pool for paths, pool in self._by_path if path.startswith(paths)), rest)

    def _is_change(self, method: str | None, path: str) -> bool:
        is_reading = method in READING or path.startswith(self._paths.queries)
        return path.startswith(self._paths.changes) and not is_reading

    def stop(self) -> None:
        """Wait until all work is done."""
        for pool in (*(pool for _, pool in self._by_path), self._changes, self._others):
            pool.threads.stop()
