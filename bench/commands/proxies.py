"""./run bench proxies: what it costs a proxy to ask, with the configurations of docs/proxies.

Each proxy that is installed stands before nginx, which answers 200: alone, asking Keyhouse, and asking a view
behind djangorestframework-api-key. All servers share one core, the load comes from another.
"""

import re
import shutil
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bench import load, sites
from bench.bare import bare_sites
from bench.candidates import API_KEY, CHECK, GATEWAY, HOT_CALLERS, NGINX, Candidate
from bench.load import Load
from bench.report import table, with_spread
from tests import postgres
from tests.gateway.proxies.running import DOCUMENTED, PLACES, PROXIES, running
from tests.installation import Server

ROWS, ROUNDS, SECONDS = 10_000, 5, 2.0
PATH = "/services/stock/items"
# What asks, in the documented file, and what stands there without it.
QUESTIONS = {
    "nginx": (r" +include nginx-(keyhouse|service)\.conf;.*\n", ""),
    "caddy": (r"(?s)\t\tforward_auth .*?\n\t\t}\n", ""),
    "traefik": (r"\[before, keyhouse, after\]", "[before, after]"),
    "envoy": (
        r"(?s) +- name: envoy\.filters\.http\.ext_authz\n.*?(?= +- name: envoy\.filters\.http\.router)",
        "",
    ),
}
ALONE, KEYHOUSE, PEER = "alone", "asking Keyhouse", f"asking {API_KEY.name}"
HEADS = ["", *(f"{way}, 1/s (p99, ms)" for way in (ALONE, KEYHOUSE, PEER)), "Keyhouse/alone", "Keyhouse/peer"]


class Asked(NamedTuple):
    """Who is asked by a proxy, and what its callers send to the proxy."""

    port: int
    callers: Sequence[Sequence[str]]


@dataclass
class Surroundings:
    """What stands around the proxies: the service behind them, who is asked, and who sends the load."""

    folder: Path
    service: Server
    asked: Mapping[str, Asked]
    client: ProcessPoolExecutor

    def measure(self, proxy: str) -> dict[str, list[Load]]:
        """Return the load of each way in each round."""
        found: dict[str, list[Load]] = {way: [] for way in (ALONE, KEYHOUSE, PEER)}
        with ExitStack() as stack:
            with sites.on_core(0):
                ports = {way: self._start(proxy, way, stack) for way in found}
            for _ in range(1 + ROUNDS):  # the first is not counted
                for way, port in ports.items():
                    found[way].append(self._drive(way, port))
        return {way: loads[1:] for way, loads in found.items()}

    def _start(self, proxy: str, way: str, stack: ExitStack) -> int:
        text = (DOCUMENTED / PROXIES[proxy].file).read_text()
        if way == ALONE:
            text = re.sub(*QUESTIONS[proxy], text)
        text = re.sub(r"include ([\w.-]+);", lambda file: (DOCUMENTED / file[1]).read_text(), text)
        if way == PEER:
            text = text.replace(CHECK, API_KEY.path)
        folder = self.folder / f"{proxy}-{way}".replace(" ", "-")
        folder.mkdir()
        asked = f"127.0.0.1:{self.asked[way].port}" if way in self.asked else ""
        service = f"127.0.0.1:{self.service.port}"
        return stack.enter_context(running(proxy, folder, service=service, keyhouse=asked, text=text)).port

    def _drive(self, way: str, port: int) -> Load:
        callers = self.asked.get(way, self.asked[KEYHOUSE]).callers
        messages = [load.message(port, PATH, lines) for lines in callers]
        found: Load = self.client.submit(load.drive, port, messages, 200, SECONDS, again=True).result()
        return found


def main() -> int:
    """Measure every proxy that is installed, print a table, and return the exit code."""
    with ExitStack() as stack:
        url = stack.enter_context(postgres.running())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="keyhouse-bench-")))
        keyhouse = sites.keyhouse(folder / "keyhouse", url, rows=ROWS, used=HOT_CALLERS)
        peer = sites.project(folder / "project", url, rows=ROWS, used=HOT_CALLERS)
        with sites.on_core(0):
            service = stack.enter_context(bare_sites(folder / "bare", [])[NGINX].serve())
            asked = {
                KEYHOUSE: Asked(stack.enter_context(keyhouse.serve()).port, callers_of(GATEWAY, keyhouse)),
                PEER: Asked(stack.enter_context(peer.serve()).port, callers_of(API_KEY, peer)),
            }
        with sites.on_core(-1):
            client = stack.enter_context(ProcessPoolExecutor(1, sites.SPAWN))
            client.submit(int).result()
        around = Surroundings(folder, service, asked, client)
        installed = [proxy for proxy in QUESTIONS if shutil.which(proxy, path=PLACES)]
        print(table(HEADS, [row(proxy, around.measure(proxy)) for proxy in installed]))
    return 0


def callers_of(candidate: Candidate, site: sites.Site) -> list[list[str]]:
    """The header lines of each caller."""
    return [[candidate.header.format(text)] for text in site.credentials[candidate.kind][:HOT_CALLERS]]


def row(proxy: str, found: Mapping[str, Sequence[Load]]) -> list[str]:
    """The medians of each way, and the ratios of the rounds."""
    cells = [
        f"{statistics.median(each.rate for each in loads):,.0f}"
        f" ({statistics.median(each.p99 for each in loads):.1f})"
        for loads in found.values()
    ]
    times = [
        with_spread([own.rate / other.rate for own, other in zip(found[KEYHOUSE], found[way], strict=True)])
        for way in (ALONE, PEER)
    ]
    return [proxy, *cells, *times]
