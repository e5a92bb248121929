from typing import Any

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models
from django.db.models import F


def date_known_factors(apps: Any, schema_editor: Any) -> None:
    """Factors in force have been so since they were added, as far as anybody knows."""
    factors = apps.get_model("accounts", "SecondFactor").objects.filter(confirmed=True)
    factors.update(confirmed_at=F("created_at"))


class Migration(migrations.Migration):
    dependencies = [("accounts", "0009_recovery")]

    operations = [
        migrations.AddField(
            model_name="secondfactor",
            name="confirmed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.RunPython(date_known_factors, migrations.RunPython.noop, elidable=True),
        migrations.AddField(
            model_name="recoverycode",
            name="created_at",
            field=models.DateTimeField(default=django.utils.timezone.now),
            preserve_default=False,
        ),
        migrations.CreateModel(
            name="SecondFactorRecovery",
            fields=[
                (
                    "device",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="recovery",
                        serialize=False,
                        to="accounts.secondfactor",
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="EmailUndo",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("email", models.EmailField(max_length=254)),
                ("digest", models.BinaryField(max_length=32, null=True, unique=True)),
                ("expires_at", models.DateTimeField(db_index=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="email_undos",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
    ]
