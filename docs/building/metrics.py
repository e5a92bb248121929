"""What Prometheus is told, as a table."""

from accounts.monitoring import MAILS_WAITING, SINKS
from config.metrics import ALL
from docs.building.markdown import code, table


def metrics() -> str:
    """Return every number that /metrics has, with its labels."""
    counters = [
        [code(f"{metric.name}_total"), "counter", " ".join(map(code, metric.labels)), metric.words]
        for metric in ALL
    ]
    looked_up = (MAILS_WAITING, *(gauge for sink in SINKS.values() for gauge in sink))
    gauges = [[code(gauge.name), "gauge", "", gauge.words] for gauge in looked_up]
    return table(["name", "kind", "labels", "what it counts"], [*counters, *gauges])
