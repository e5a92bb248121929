"""Which test reaches which statement of the mutated modules, kept from run to run."""

import gc
import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
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
        self._traces = {item.nodeid: kept[item.nodeid] for item in items}
        self._rarities: dict[tuple[str, str], int] = {}
        self._write()
        failing = sum(not trace.passes for trace in self._traces.values())
        print(f"{failing} tests are left out: they are skipped, or fail without a mutant", flush=True)
        self._by_line: defaultdict[tuple[str, int], list[Trace]] = defaultdict(list)
        for trace in self._traces.values():
            for path, lines in trace.lines.items() if trace.passes else ():
                for line in lines:
                    self._by_line[path, line].append(trace)

    def reaching(self, path: str, line: int) -> list[Trace]:
        """Return the traces of the tests that reach the statement at this line, the most telling first.

        These are the fastest of each way through the module, and then those that reach what few tests do.
        """
        ways, folder = set(), path.rpartition("/")[0]
        found = []
        for trace in sorted(self._by_line[path, line], key=lambda trace: trace.seconds):
            way = tuple(trace.lines[path])
            found.append((way in ways, self._rarest(trace, folder), trace.seconds, trace.test))
            ways.add(way)
        return [self._traces[test] for _, _, _, test in sorted(found)]

    def _rarest(self, trace: Trace, folder: str) -> int:
        """Of the statements of this folder that the test reaches: how many tests reach the rarest."""
        name = (trace.test, folder)
        if name not in self._rarities:
            self._rarities[name] = min(
                len(self._by_line[path, line])
                for path, lines in trace.lines.items()
                if path.startswith(folder)
                for line in lines
            )
        return self._rarities[name]

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
        document = {"sources": self._sources, "traces": [asdict(trace) for trace in self._traces.values()]}
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
        began = time.process_time()  # the machine may be busy with other things
        reports = runtestprotocol(item, log=False, nextitem=following)
        seconds = time.process_time() - began
        at_all = {str(Path(file).relative_to(PROJECT)): sorted(at) for file, at in reached.items() if at}
        passes = all(report.passed for report in reports)
        yield Trace(item.nodeid, _digest(item.path), passes, seconds, at_all)


def within(traces: list[Trace], seconds: float) -> list[Trace]:
    """Return the traces, in their order, that take this long together, or the first one."""
    found: list[Trace] = []
    for trace in traces:
        if not found or trace.seconds <= seconds:
            seconds -= trace.seconds
            found.append(trace)
    return found
