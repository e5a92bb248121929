from typing import Any

from django.core.management.base import CommandError

from audit.log import verify
from config.commands import KeyhouseCommand, Output


class Command(KeyhouseCommand):
    help = "Check the hash chain of the audit log. Exits with 1 if anything was changed or taken away."
    needs_secrets = False

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if self.faults:
            raise CommandError(self.faults[0])

    def run(self, options: dict[str, Any]) -> Output:
        found = verify()
        self.faults = found.faults
        document = {
            "valid": not found.faults,
            "events": found.events,
            "head": found.head,
            "faults": found.faults,
        }
        if found.faults:
            return Output(
                document, f"{found.events} events, {len(found.faults)} faults:\n" + "\n".join(found.faults)
            )
        return Output(document, f"{found.events} events, unbroken. Head: {found.head}")
