"""The vocabulary of the audit log, as a table."""

from audit.events import CHANGES_NO_CALLER, REFUSALS, EventName
from docs.building.markdown import code, table


def events() -> str:
    """Return every event with what it means."""
    rows = [[code(event), event.description, _kinds(event)] for event in EventName]
    return table(["event", "what happened", ""], rows)


def _kinds(event: EventName) -> str:
    kinds = {"a refusal": event in REFUSALS, "begins an epoch": event not in CHANGES_NO_CALLER}
    return ", ".join(kind for kind, holds in kinds.items() if holds)
