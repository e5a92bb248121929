"""What several tests of sinks ask."""

from django.utils import timezone

from audit.sinks.lag import lag_of


def waiting_for(name: str) -> int:
    """How many events the sink does not have yet."""
    return lag_of(name, timezone.now()).events
