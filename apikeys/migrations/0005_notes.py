"""A description and metadata for each key. The index of words covers descriptions, too."""

from typing import Any

from django.db import migrations, models
from django.db.models import Value

NAMES = "name"
NAMES_AND_DESCRIPTIONS = "name || ' ' || description"


def index_words_of(text: str) -> Any:
    """Return a function that builds the index of words anew, on PostgreSQL."""

    def execute(apps: Any, schema_editor: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            words = f"to_tsvector('simple', translate({text}, '-_./:@~+&<>', '           '))"
            schema_editor.execute("DROP INDEX api_key_by_words")
            schema_editor.execute(f"CREATE INDEX api_key_by_words ON apikeys_apikey USING gin ({words})")

    return execute


class Migration(migrations.Migration):
    dependencies = [("apikeys", "0004_labels")]

    operations = [
        migrations.AddField(
            "apikey",
            "description",
            models.CharField(blank=True, db_default="", default="", max_length=500),
        ),
        migrations.AddField(
            "apikey",
            "metadata",
            models.JSONField(db_default=Value({}, models.JSONField()), default=dict),
        ),
        migrations.RunPython(index_words_of(NAMES_AND_DESCRIPTIONS), index_words_of(NAMES)),
    ]
