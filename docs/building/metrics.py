"""What Prometheus is told, as a table."""

from accounts.monitoring import MAILS_WAITING
from config.metrics import ALL
from docs.building.markdown import code, table


def metrics() -> str:
    """Return every number that /metrics has, with its labels."""
    counters = [
        [code(f"{metric.name}_total"), "counter", " ".join(map(code, metric.labels)), metric.words]
        for metric in ALL
    ]
    gauge = [code(MAILS_WAITING.name), "gauge", "", MAILS_WAITING.words]
    return table(["name", "kind", "labels", "what it counts"], [*counters, gauge])
