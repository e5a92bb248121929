from typing import Any

from django.core.management.base import CommandError

from config.commands import JsonCommand


class Command(JsonCommand):
    help = "Not here: the servers delete what has ended."

    def handle(self, *args: Any, **options: Any) -> None:
        raise CommandError("there is nothing to do: the servers delete what has ended")
