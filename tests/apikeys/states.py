"""Keys in each state, as lists show them."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from apikeys.models import ApiKey
from apikeys.services.api_keys import NewKey
from tests.conftest import Cast, make_key


def change(key: NewKey, **columns: Any) -> None:
    ApiKey.objects.filter(pk=key.row.pk).update(**columns)


def keys_in_each_state(cast: Cast) -> dict[str, NewKey]:
    """Make one key in each state, named after it; `created_at` lies before everything."""
    now = timezone.now()
    made = {name: make_key(cast.acme, name=name) for name in ("active", "expired", "disabled", "revoked")}
    made["expiring"] = make_key(cast.bob, "services:read", name="expiring", environment="test")
    ApiKey.objects.update(created_at=now - timedelta(days=200))
    change(made["active"], last_used_at=now - timedelta(hours=1), last_used_ip="192.0.2.7")
    change(made["expiring"], expires_at=now + timedelta(days=3))
    change(made["expired"], expires_at=now - timedelta(days=1))
    change(made["disabled"], disabled_at=now)
    change(made["revoked"], revoked_at=now, disabled_at=now)
    return made
