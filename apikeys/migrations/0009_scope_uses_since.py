"""Keys from before uses of scopes were counted say since when theirs are."""

from typing import Any

from django.db import migrations, models
from django.db.migrations.recorder import MigrationRecorder


def mark_older_keys(apps: Any, schema_editor: Any) -> None:
    recorded = MigrationRecorder(schema_editor.connection).migration_qs
    began = (
        recorded.filter(app="apikeys", name="0005_uses_together").values_list("applied", flat=True).first()
    )
    if began is not None:
        keys = apps.get_model("apikeys", "ApiKey").objects.filter(created_at__lt=began)
        keys.update(scope_uses_since=began)


class Migration(migrations.Migration):
    dependencies = [("apikeys", "0008_made_through")]

    operations = [
        migrations.AddField(
            model_name="apikey",
            name="scope_uses_since",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.RunPython(mark_older_keys, migrations.RunPython.noop, elidable=True),
    ]
