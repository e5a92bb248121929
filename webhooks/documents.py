"""Webhooks as commands show them."""

from typing import Any

from config.wire.fields import timestamp
from config.wire.ids import public_id
from webhooks.models import Webhook

HEADS = ("id", "organization", "host", "events", "enabled", "cursor", "failing_since")


def as_document(row: Webhook) -> dict[str, Any]:
    """Return a webhook without its secrets and the path of its URL."""
    return {
        "id": public_id("webhook", row),
        "organization": None if row.organization is None else row.organization.name,
        "host": str(row),
        "events": row.events,
        "enabled": row.is_enabled,
        "cursor": row.cursor,
        "failing_since": None if row.failing_since is None else timestamp(row.failing_since),
    }
