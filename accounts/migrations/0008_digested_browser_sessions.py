from typing import Any

from django.db import migrations


def end_browser_sessions(apps: Any, editor: Any) -> None:
    """Delete rows of the other form: before, the key was the cookie itself."""
    apps.get_model("sessions", "Session").objects.using(editor.connection.alias).all().delete()


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_must_have_second_factor"),
        ("sessions", "0001_initial"),
    ]

    operations = [migrations.RunPython(end_browser_sessions, end_browser_sessions)]
