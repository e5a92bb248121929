"""Rounds in which every candidate has its turn, at a real server and inside the application."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from threading import Event
from typing import Any

import psutil

from bench import inside, load
from bench.bare import BareSite
from bench.candidates import ALL, GATEWAY, GROWING, IN_DJANGO, Candidate, Supply
from bench.sites import SPAWN, Site, on_core
from tests.installation import ADMIN, Server

SETTLE_SECONDS = 2.5  # Keyhouse writes the last use of keys once a second: not in the time of who is next
SHORT_TURN = 100  # requests
WARM_SECONDS = 60  # at most, until every caller has been met
Sites = Mapping[str, Site]
# {"hot": {name of candidate: [one figure of each round]}, "cold": …}, or with "most" and "few"
Figures = dict[str, dict[str, list[Any]]]


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    rounds: int
    seconds: float  # of load on one candidate in one round
    requests: int  # of other callers each (cold), and inside the application

    @property
    def credentials(self) -> int:
        """How many of one kind are needed: in each round two candidates use up some of the same kind."""
        return 1000 + 2 * self.rounds * self.requests

    def in_short_turns(self) -> "Effort":
        """As many requests in more rounds: what hardly differs is lost in what else the machine does."""
        rounds = self.rounds * self.requests // SHORT_TURN
        return replace(self, rounds=rounds, requests=SHORT_TURN)


def turns(effort: Effort, candidates: Sequence[Candidate]) -> Iterator[tuple[Candidate, str]]:
    """Yield whose turn it is, and whether with hot or cold callers, to the end of the last round."""
    for _ in range(effort.rounds):
        for candidate in candidates:
            yield candidate, "hot"
            if candidate.is_cold:
                yield candidate, "cold"


def as_served(
    sites: Mapping[str, Site | BareSite],
    effort: Effort,
    tell: Callable[[str], None],
    candidates: Sequence[Candidate] = ALL,
) -> Figures:
    """Return load.Load for each turn: one server process of each site on one core, the load on another."""
    figures: Figures = {"hot": defaultdict(list), "cold": defaultdict(list)}
    supplies = {name: Supply(site.credentials) for name, site in sites.items()}
    with ExitStack() as stack:
        with on_core(0):
            servers = {name: stack.enter_context(site.serve()) for name, site in sites.items()}
        with on_core(-1):
            client = stack.enter_context(ProcessPoolExecutor(1, SPAWN))
            client.submit(int).result()  # it has started, on that core
        for candidate, temperature in turns(effort, [each for each in candidates if each.site in sites]):
            texts = _texts(supplies[candidate.site], candidate, temperature, effort)
            server = servers[candidate.site]
            port, path = server.port, candidate.path
            messages = [load.message(port, path, candidate.headers(text)) for text in texts]
            again, is_first = temperature == "hot", not figures[temperature][candidate.name]
            if again and is_first and candidate.kind:  # those who remember callers meet them
                _drive(client, port, messages, candidate.status, WARM_SECONDS, again=False)
            before = _processor_seconds(server)
            found = _drive(client, port, messages, candidate.status, effort.seconds, again=again)
            taken = _processor_seconds(server) - before
            found = found._replace(processor=1e6 * taken / found.answers)
            figures[temperature][candidate.name].append(found)
            tell(f"{found.rate:8.0f} requests/s {found.processor:6.0f} µs  {candidate.name} ({temperature})")
            if candidate.kind == "key" and isinstance(sites[candidate.site], Site):
                Event().wait(SETTLE_SECONDS)
    return figures


def _drive(client: ProcessPoolExecutor, *arguments: Any, again: bool) -> load.Load:
    return client.submit(load.drive, *arguments, again=again).result()


def _processor_seconds(server: Server) -> float:
    """What the processes of a server have taken so far."""
    first = psutil.Process(server.process.pid)
    times = [each.cpu_times() for each in (first, *first.children(recursive=True))]
    return sum((each.user + each.system for each in times), 0.0)


def _texts(supply: Supply, candidate: Candidate, temperature: str, effort: Effort) -> list[str]:
    if temperature == "cold":
        return list(supply.cold(candidate.kind, effort.requests))
    return list(supply.hot(candidate.kind))


def in_the_application(sites: Sites, effort: Effort, tell: Callable[[str], None]) -> Figures:
    """Return inside.Cost for each turn."""
    figures: Figures = {"hot": defaultdict(list), "cold": defaultdict(list)}
    with ExitStack() as stack, on_core(0):
        processes = {name: _Process(site, stack) for name, site in sites.items()}
        for candidate, temperature in turns(effort, IN_DJANGO):
            found = processes[candidate.site].measure(candidate, temperature, effort)
            figures[temperature][candidate.name].append(found)
            tell(f"{found.processor:8.0f} µs  {candidate.name} ({temperature})")
    return figures


def growing(most: Sites, few: Sites, effort: Effort, tell: Callable[[str], None]) -> Figures:
    """Return inside.Cost for the cold turns of GROWING at the sites with most rows and at those with few.

    Another process has asked about the same callers just before: a disk is not what is compared.
    """
    figures: Figures = {"most": defaultdict(list), "few": defaultdict(list)}
    with ExitStack() as stack, on_core(0):
        processes = [
            (size, {name: (_Process(site, stack), _Process(site, stack)) for name, site in sites.items()})
            for size, sites in (("most", most), ("few", few))
        ]
        for _ in range(effort.rounds):
            processes.reverse()  # who comes second has what the first has left behind in the processor
            for candidate in GROWING:
                for size, of_size in processes:
                    before, measured = of_size[candidate.site]
                    before.measure(candidate, "cold", effort)
                    found = measured.measure(candidate, "cold", effort)
                    figures[size][candidate.name].append(found)
                    tell(f"{found.clock:8.0f} µs  {candidate.name} ({size} rows)")
    return figures


class _Process:
    """A process with one project in it, and its credentials."""

    def __init__(self, site: Site, stack: ExitStack) -> None:
        self.supply = Supply(site.credentials)
        self.pool = stack.enter_context(site.process())
        self.pool.submit(int).result()

    def measure(self, candidate: Candidate, temperature: str, effort: Effort) -> inside.Cost:
        texts = _texts(self.supply, candidate, temperature, effort)
        texts *= 1 if candidate.kind else effort.requests
        lines = [candidate.headers(text) for text in texts]
        arguments = (candidate.path, lines, candidate.status)
        found: inside.Cost = self.pool.submit(inside.measure, *arguments, warm=temperature == "hot").result()
        if candidate.kind == "key":
            self.pool.submit(inside.call, inside.FLUSH).result()
        return found


def only_ours(site: Site) -> dict[str, float]:
    """Return what is measured of Keyhouse alone.

    What a process keeps for each caller (bytes), needs to write a last use (µs), and needs for a login
    beside its hash (per cent of the hash).
    """
    lines = [GATEWAY.headers(text) for text in Supply(site.credentials).hot(GATEWAY.kind)]
    with site.process() as process:
        kept = process.submit(inside.memory, GATEWAY.path, lines, GATEWAY.status).result()
        written = process.submit(inside.last_use, GATEWAY.path, lines, GATEWAY.status).result()
    who = (ADMIN["KEYHOUSE_ADMIN_USERNAME"], ADMIN["KEYHOUSE_ADMIN_PASSWORD"])
    beside_hash = site.call("bench.keyhouse.login:beside_its_hash", *who)
    return {"memory_bytes": kept, "last_use": written, "login_percent": beside_hash}
