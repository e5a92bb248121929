from django.db import migrations

from audit import triggers


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_epoch")]

    operations = [
        migrations.RunPython(
            lambda apps, editor: triggers.create(editor.connection, triggers.END_IS_KEPT),
            lambda apps, editor: triggers.drop(editor.connection, triggers.END_IS_KEPT),
        )
    ]
