from typing import Any

from django.core.management.base import CommandError

from config.commands.base import JsonCommand


class Command(JsonCommand):
    help = "Not supported: use createoauthclient, which checks the client and writes the audit log."

    def handle(self, *args: Any, **options: Any) -> None:
        raise CommandError("use createoauthclient, which checks the client and writes the audit log")
