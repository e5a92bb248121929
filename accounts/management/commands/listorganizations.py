from typing import Any

from accounts.models import Organization
from config.commands.base import KeyhouseCommand, Output, listing
from config.database.rows import in_parts
from config.wire.fields import timestamp
from config.wire.ids import public_id

HEADS = ("id", "name", "members", "requires_second_factor", "created_at")


class Command(KeyhouseCommand):
    help = "List organizations, newest first, with the number of their members."
    examples = ("{}", "{} --json")

    def run(self, options: dict[str, Any]) -> Output:
        rows = in_parts(Organization.objects.prefetch_related("memberships"))
        documents = (
            {
                "id": public_id("organization", row),
                "name": row.name,
                "members": len(row.memberships.all()),
                "requires_second_factor": row.requires_second_factor,
                "created_at": timestamp(row.created_at),
            }
            for row in rows
        )
        return listing(HEADS, documents, empty="No organizations.")
