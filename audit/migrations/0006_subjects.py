from django.db import migrations, models

from audit import triggers


class Migration(migrations.Migration):
    dependencies = [("audit", "0005_search")]

    operations = [
        migrations.RunPython(
            lambda apps, editor: triggers.drop(editor.connection),
            lambda apps, editor: triggers.create(editor.connection),
        ),
        migrations.AddField(model_name="event", name="subjects", field=models.JSONField(default=list)),
        migrations.AddField(
            model_name="event", name="hash_version", field=models.PositiveSmallIntegerField(default=1)
        ),
        migrations.AlterField(
            model_name="event", name="hash_version", field=models.PositiveSmallIntegerField(default=2)
        ),
        migrations.RunPython(
            lambda apps, editor: triggers.create(editor.connection),
            lambda apps, editor: triggers.drop(editor.connection),
        ),
    ]
