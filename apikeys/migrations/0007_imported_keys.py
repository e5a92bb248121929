"""Keys imported from other systems: which system, how the next import finds them, and whether they were used."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("apikeys", "0006_notices")]

    operations = [
        migrations.CreateModel(
            name="KeySource",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("name", models.CharField(max_length=40, unique=True)),
                ("kind", models.CharField(max_length=40)),
                ("place", models.CharField(max_length=40)),
                ("is_open", models.BooleanField(default=True)),
                ("has_unused", models.BooleanField(default=True)),
            ],
        ),
        migrations.AddField(
            "apikey",
            "imported_from",
            models.ForeignKey(
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="api_keys",
                to="apikeys.keysource",
            ),
        ),
        migrations.AddField("apikey", "import_digest", models.BinaryField(max_length=32, null=True, unique=True)),
        migrations.AddField(
            "apikey", "import_pepper", models.PositiveSmallIntegerField(editable=False, null=True)
        ),
        migrations.AddField("apikey", "unused_until", models.DateTimeField(editable=False, null=True)),
        migrations.AddIndex(
            "apikey",
            models.Index(
                fields=("imported_from", "id"),
                condition=Q(revoked_at__isnull=True) & Q(imported_from__isnull=False),
                name="api_key_imported",
            ),
        ),
        migrations.AddIndex(
            "apikey",
            models.Index(
                fields=("unused_until",),
                condition=Q(unused_until__isnull=False),
                name="api_key_import_unused",
            ),
        ),
    ]
