"""Metrics for Prometheus, over all processes of a server. No label names a key, a person or an address.

Only servers count, and only if KEYHOUSE_METRICS_NETWORKS is set: `serve` calls `prepare` before it forks the
workers, and each worker calls `start`. In all other processes, counting does nothing.
"""

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # read when prometheus_client is imported, so import it late


class Metric:
    """A counter for each combination of a few labels."""

    def __init__(self, name: str, words: str, *labels: str) -> None:
        self.name, self.words, self.labels = name, words, labels
        self._counter: Any = None
        self._children: dict[tuple[str, ...], Any] = {}

    def start(self) -> None:
        """Start counting."""
        from prometheus_client import Counter

        self._counter = Counter(self.name, self.words, self.labels, registry=None)

    def count(self, *values: str) -> None:
        """Add 1 under these label values. Use few different values."""
        if self._counter is None:
            return
        child = self._children.get(values)
        if child is None:
            child = self._children[values] = self._counter.labels(*values) if values else self._counter
        child.inc()


CHECKS = Metric("keyhouse_gateway_checks", "Responses of /gateway/check", "status")
REQUESTS = Metric("keyhouse_requests", "Responses to all other requests", "credential", "status")
REFUSED_KEYS = Metric("keyhouse_refused_keys", "Requests with a well-formed key that was refused", "reason")
EVENTS = Metric("keyhouse_events", "Events written to the audit log, logins among them", "event")
EPOCH_LOOKS = Metric("keyhouse_epoch_looks", "Looks at the end of the audit log")
ALL = (CHECKS, REQUESTS, REFUSED_KEYS, EVENTS, EPOCH_LOOKS)


def prepare(folder: Path) -> None:
    """Empty `folder` and let the processes forked from this one share it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    os.environ[FOLDER] = str(folder)


def start() -> None:
    """Start counting in this process, which shares the folder."""
    for metric in ALL:
        metric.start()


def exposition(now: Mapping[str, tuple[str, float]]) -> tuple[bytes, str]:
    """Return the metrics of all processes and the gauges `now` (words, value) by name; the media type."""
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
    from prometheus_client.core import GaugeMetricFamily
    from prometheus_client.core import Metric as PrometheusMetric
    from prometheus_client.multiprocess import MultiProcessCollector

    class Processes:
        def collect(self) -> Iterable[PrometheusMetric]:
            # A starting worker creates its file empty for a moment, and the library fails on an empty file.
            files = [str(file) for file in Path(os.environ[FOLDER]).glob("*.db") if file.stat().st_size]
            merged: Iterable[PrometheusMetric] = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
            return merged

    class Now:
        def collect(self) -> list[GaugeMetricFamily]:
            return [GaugeMetricFamily(name, words, value) for name, (words, value) in now.items()]

    registry = CollectorRegistry()
    registry.register(Processes())
    registry.register(Now())
    return generate_latest(registry), CONTENT_TYPE_LATEST
