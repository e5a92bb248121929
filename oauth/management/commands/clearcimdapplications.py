from typing import Any

from django.core.management.base import CommandError

from config.commands import JsonCommand


class Command(JsonCommand):
    help = "Not here: clients are registered by administrators alone."

    def handle(self, *args: Any, **options: Any) -> None:
        raise CommandError("there are no clients that register themselves")
