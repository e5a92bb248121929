"""Which test reaches which statement of the mutated modules, kept from run to run."""

import gc
import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from itertools import chain, zip_longest
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

from tests.installation import PROJECT
from tests.mutants.exchange import PROBE, Caches, Functions, changed_codes, exchange, with_probes
from tests.mutants.forking import in_fork
from tests.mutants.mutants import FOLDER

LONGEST_SECONDS = 3_600.0


@dataclass(frozen=True)
class Trace:
    """How long a test takes, and the lines of the statements that it reaches, by the path of the module."""

    test: str
    file: str  # the digest of the test's file
    passes: bool
    seconds: float
    lines: dict[str, list[int]] = field(default_factory=dict)


class Traces:
    """The traces of all tests. A test is traced again when its file, or a module that it reached, changed."""

    def __init__(self, items: list[pytest.Item], functions: Functions, caches: Caches) -> None:
        self._sources = {str(Path(file).relative_to(PROJECT)): _digest(Path(file)) for file in functions}
        kept = self._kept()
        due = [
            item for item in items if item.nodeid not in kept or kept[item.nodeid].file != _digest(item.path)
        ]
        print(f"{len(items)} tests, of which {len(due)} are traced", flush=True)
        if due:
            began = time.monotonic()
            for trace in in_fork(lambda: list(trace_all(due, functions, caches)), LONGEST_SECONDS):
                kept[trace.test] = trace
            print(f"traced in {time.monotonic() - began:.0f} s", flush=True)
        self._traces = [kept[item.nodeid] for item in items]
        self._write()
        failing = sum(not trace.passes for trace in self._traces)
        print(f"{failing} tests are left out: they are skipped, or fail without a mutant", flush=True)
        self._by_line: defaultdict[tuple[str, int], list[Trace]] = defaultdict(list)
        for trace in self._traces:
            for path, lines in trace.lines.items() if trace.passes else ():
                for line in lines:
                    self._by_line[path, line].append(trace)

    def reaching(self, path: str, line: int) -> list[Trace]:
        """Return the traces of the tests that reach the statement at this line."""
        return self._by_line[path, line]

    def _kept(self) -> dict[str, Trace]:
        file = FOLDER / "traces.json"
        if not file.exists():
            return {}
        kept = json.loads(file.read_text())
        if not self._sources.keys() <= kept["sources"].keys():
            return {}
        changed = {path for path, digest in self._sources.items() if kept["sources"][path] != digest}
        traces = [Trace(**each) for each in kept["traces"]]
        return {trace.test: trace for trace in traces if changed.isdisjoint(trace.lines)}

    def _write(self) -> None:
        document = {"sources": self._sources, "traces": [asdict(trace) for trace in self._traces]}
        (FOLDER / "traces.json").write_text(json.dumps(document))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def trace_all(items: list[pytest.Item], functions: Functions, caches: Caches) -> Iterable[Trace]:
    """Run tests with probes in these functions. Caches are emptied before each: it reaches what it needs."""
    gc.enable()  # forks are without it, but this one runs thousands of tests
    reached = {file: set[int]() for file in functions}
    for file, found in functions.items():
        source = Path(file).read_text()
        probed = compile(with_probes(source), file, "exec")
        exchange(found, changed_codes(compile(source, file, "exec"), probed))
        for function in found:
            function.__globals__[PROBE] = reached[file].add
    for item, following in zip(items, [*items[1:], None], strict=True):
        for cache in caches:
            cache.cache_clear()
        for lines in reached.values():
            lines.clear()
        began = time.perf_counter()
        reports = runtestprotocol(item, log=False, nextitem=following)
        seconds = time.perf_counter() - began
        at_all = {str(Path(file).relative_to(PROJECT)): sorted(at) for file, at in reached.items() if at}
        passes = all(report.passed for report in reports)
        yield Trace(item.nodeid, _digest(item.path), passes, seconds, at_all)


def in_order(traces: list[Trace], path: str, seconds: float) -> list[Trace]:
    """Return traces that take this long together, at least one; first one of each way through the folder."""
    ways: defaultdict[str, list[Trace]] = defaultdict(list)
    folder = path.rpartition("/")[0]
    for trace in sorted(traces, key=lambda trace: trace.seconds):
        ways[str([(each, at) for each, at in trace.lines.items() if each.startswith(folder)])].append(trace)
    found: list[Trace] = []
    left = seconds
    for trace in chain.from_iterable(zip_longest(*ways.values())):
        if trace is not None and (trace.seconds <= left or not found):
            left -= trace.seconds
            found.append(trace)
    return found
