"""Compare the domains of e-mail addresses by UTS 46: ß is not ss, A-labels are the same as U-labels."""

from typing import Any

from django.db import IntegrityError, migrations, transaction

from accounts.users.names import fold_email


def fold_again(apps: Any, schema_editor: Any) -> None:
    """Write the new keys. A row whose key is taken keeps its old one; `checkemails` lists such people."""
    for name in ("User", "Invitation"):
        rows = apps.get_model("accounts", name).objects.order_by("pk")
        for row in rows.only("email", "email_key").iterator():
            if fold_email(row.email) != row.email_key:
                _write(rows.filter(pk=row.pk), fold_email(row.email))


def _write(row: Any, key: str) -> None:
    try:
        with transaction.atomic():
            row.update(email_key=key)
    except IntegrityError:
        return


class Migration(migrations.Migration):
    dependencies = [("accounts", "0018_clients_without_pkce")]

    operations = [migrations.RunPython(fold_again, migrations.RunPython.noop, elidable=True)]
