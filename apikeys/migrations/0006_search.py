from typing import Any

from django.db import migrations, models

# The expressions of apikeys.admin.search: an index is only looked into by what is spelled like it.
CREATE = (
    "SET LOCAL statement_timeout = 0",  # a million names take longer than a request may
    """
    CREATE INDEX api_key_by_words ON apikeys_apikey
    USING gin (to_tsvector('simple', translate(name, '-_./:@~+&<>', '           ')))
    """,
    "CREATE INDEX api_key_by_scope ON apikeys_apikey USING gin (scopes jsonb_path_ops)",
)
DROP = ("DROP INDEX api_key_by_words", "DROP INDEX api_key_by_scope")


def on_postgresql(statements: tuple[str, ...]) -> Any:
    """Indexes that SQLite has nothing like."""

    def execute(apps: Any, schema_editor: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            for statement in statements:
                schema_editor.execute(statement)

    return execute


class Migration(migrations.Migration):
    dependencies = [
        ("apikeys", "0005_uses_together"),
    ]

    operations = [
        migrations.RunPython(on_postgresql(CREATE), on_postgresql(DROP)),
        migrations.AddIndex(
            model_name="apikey",
            index=models.Index(fields=["expires_at"], name="api_key_by_expiry"),
        ),
        migrations.AddIndex(
            model_name="apikey",
            index=models.Index(fields=["created_at"], name="api_key_by_age"),
        ),
    ]
