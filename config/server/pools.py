"""Which threads answer which requests, so that one kind of request cannot hold up the others."""

from typing import NamedTuple

from config.server import limits
from config.server.in_flight import InFlight
from config.server.threads import Threads


class Paths(NamedTuple):
    """How the paths of each kind of request begin. All other requests are of a fourth kind."""

    probes: tuple[str, ...]  # of load balancers and orchestrators
    checks: tuple[str, ...]  # of proxies, whose clients wait meanwhile
    passwords: tuple[str, ...]  # each waits for the hash of a password


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
        probes = Threads("probes", limits.PROBE_THREADS, limits.MAX_QUEUED_PROBES)
        checks = Threads("checks", limits.CHECK_THREADS, limits.MAX_QUEUED_CHECKS)
        passwords = Threads("passwords", limits.PASSWORD_THREADS, limits.MAX_QUEUED_PASSWORDS)
        others = Threads("others", limits.OTHER_THREADS, limits.MAX_QUEUED_OTHERS)
        in_flight = InFlight(limits.MAX_OTHERS_OF_ONE_CLIENT)
        self._others = Pool(others, in_flight, counts_credentials=True)
        self._by_path = (
            (paths.checks, Pool(checks, InFlight(limits.MAX_CHECKS_OF_ONE_ADDRESS))),
            (paths.probes, Pool(probes, InFlight(limits.MAX_PROBES_OF_ONE_ADDRESS))),
            (paths.passwords, Pool(passwords, in_flight, counts_credentials=True)),
        )

    def pool_for(self, path: str) -> Pool:
        return next((pool for paths, pool in self._by_path if path.startswith(paths)), self._others)

    def stop(self) -> None:
        """Wait until all work is done."""
        for pool in (*(pool for _, pool in self._by_path), self._others):
            pool.threads.stop()
