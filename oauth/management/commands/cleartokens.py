from typing import Any

from django.core.management.base import CommandError

from config.commands.base import JsonCommand


class Command(JsonCommand):
    help = "Not supported: the servers delete expired tokens without it."

    def handle(self, *args: Any, **options: Any) -> None:
        raise CommandError("nothing to clear: the servers delete expired tokens")
