from typing import Any

from django.core.management.base import CommandError
from django.template.defaultfilters import pluralize

from audit.log import verify
from config.commands.base import KeyhouseCommand, Output


class Command(KeyhouseCommand):
    help = "Check the hash chain of the audit log. Exits with 1 if an event was changed or removed."
    needs_secrets = False
    examples = (
        "{}",
        "{} --json",
    )

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
        events, faults = f"{found.events} event{pluralize(found.events)}", len(found.faults)
        if faults:
            lines = [f"{events}, {faults} fault{pluralize(faults)}:", *found.faults]
            return Output(document, "\n".join(lines))
        return Output(document, f"{events}, unbroken. Head: {found.head}")
