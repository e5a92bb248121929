from django.db import migrations

from audit import triggers


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [
        migrations.RunPython(
            lambda apps, editor: triggers.create(editor.connection, triggers.EVENTS_ARE_KEPT),
            lambda apps, editor: triggers.drop(editor.connection, triggers.EVENTS_ARE_KEPT),
        )
    ]
