from typing import Any

from django.core.management.base import CommandError

from accounts.users.lookups import email_faults
from config.commands.base import KeyhouseCommand, Output
from config.commands.tables import Table
from config.wire.ids import public_id


class Command(KeyhouseCommand):
    help = (
        "List people who share a mailbox with another account, or whose address cannot receive mail. "
        "Changes nothing. Exits with 1 if it finds anyone."
    )
    examples = (
        "{}",
        "{} --json",
    )

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if self.found:
            raise CommandError(f"e-mail addresses to change: {self.found}")

    def run(self, options: dict[str, Any]) -> Output:
        documents = [
            {
                "id": public_id("user", fault.user),
                "username": fault.user.username,
                "email": fault.user.email,
                "same_mailbox_as": fault.same_as and public_id("user", fault.same_as),
                "fault": fault.text,
            }
            for fault in email_faults()
        ]
        self.found = len(documents)
        heads = ("id", "email", "fault")
        rows = [[document[head] for head in heads] for document in documents]
        empty = "All e-mail addresses are valid, and none is shared."
        return Output(documents, [Table(heads, rows, empty)])
