from typing import Any

from django.utils import timezone

from accounts.audit_sinks import outlets
from audit.sinks.lag import Lag, lag_of
from config.commands.base import KeyhouseCommand, Output, listing

HEADS = ("sink", "last_event", "waiting", "lag_seconds", "failures")


class Command(KeyhouseCommand):
    help = "List the receivers of the audit log, and how many events each of them does not have yet."
    examples = ("{}", "{} --json")

    def run(self, options: dict[str, Any]) -> Output:
        now = timezone.now()
        return listing(
            HEADS,
            (_as_document(outlet.name, lag_of(outlet.name, now)) for outlet in outlets()),
            empty="No sinks. KEYHOUSE_AUDIT_SYSLOG and KEYHOUSE_AUDIT_FILE name them.",
        )


def _as_document(name: str, lag: Lag) -> dict[str, Any]:
    return {
        "sink": name,
        "last_event": lag.sequence,
        "waiting": lag.events,
        "lag_seconds": round(lag.seconds),
        "failures": lag.failures,
    }
