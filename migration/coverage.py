"""How many of the imported keys have been used, by the system that they come from."""

from typing import Any

from django.db.models import Count, Q

from apikeys.models import KeySource


def coverage() -> list[dict[str, Any]]:
    """Return the numbers of each system: imported, used, unused, disabled, revoked."""
    of_keys = {
        "imported": Q(),
        "used": Q(api_keys__unused_until__isnull=True),
        "unused": Q(api_keys__unused_until__isnull=False),
        "disabled": Q(api_keys__disabled_at__isnull=False),
        "revoked": Q(api_keys__revoked_at__isnull=False),
    }
    counts = {name: Count("api_keys", filter=condition) for name, condition in of_keys.items()}
    rows = KeySource.objects.order_by("name").annotate(**counts)
    return [{"source": row.name} | {name: getattr(row, name) for name in counts} for row in rows]
