"""Indexes for the filters and orders of the key list.

Those of owners replace the indexes of both foreign keys.
"""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

from apikeys.predicates import Expiry


def owner(to: str) -> Any:
    """Return the foreign key to an owner, without an index of its own."""
    return models.ForeignKey(
        blank=True,
        db_index=False,
        null=True,
        on_delete=django.db.models.deletion.CASCADE,
        related_name="api_keys",
        to=to,
    )


def index(*expressions: Any, **options: Any) -> Any:
    """Return the operation that adds an index of keys."""
    return migrations.AddIndex("apikey", models.Index(*expressions, **options))


class Migration(migrations.Migration):
    dependencies = [("apikeys", "0002_version"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        index(fields=["user", "id"], name="api_key_by_user"),
        index(fields=["organization", "id"], name="api_key_by_organization"),
        migrations.AlterField("apikey", "user", owner(settings.AUTH_USER_MODEL)),
        migrations.AlterField("apikey", "organization", owner("accounts.organization")),
        index(fields=["environment", "id"], name="api_key_by_environment"),
        index(fields=["name", "id"], name="api_key_by_name"),
        index(Expiry("expires_at"), "id", name="api_key_by_end"),
        index(fields=["id"], name="api_key_revoked", condition=Q(revoked_at__isnull=False)),
        index(
            fields=["id"],
            name="api_key_disabled",
            condition=Q(("revoked_at__isnull", True), ("disabled_at__isnull", False)),
        ),
    ]
