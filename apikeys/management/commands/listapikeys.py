from typing import Any

from apikeys.durations import parse_duration
from apikeys.management.arguments import add_owner_arguments, as_document, of_owner
from apikeys.models import ApiKey
from audit.actors import Origin
from config.commands.base import KeyhouseCommand, Output, listing
from config.database.rows import in_parts

HEADS = ("id", "name", "key_prefix", "owner", "status", "expires_at", "last_used_at")


class Command(KeyhouseCommand):
    help = "List API keys, newest first: those that are not revoked, or those with the given statuses."
    examples = (
        "{} --organization Acme",
        "{} --status expired --status revoked",
        "{} --unused-for 90d --json",
    )

    def add_arguments(self, parser: Any) -> None:
        add_owner_arguments(parser)
        parser.add_argument(
            "--status",
            action="append",
            choices=("active", "expired", "disabled", "revoked"),
            help="only keys with this status; can be given several times",
        )
        parser.add_argument(
            "--expiring-within", metavar="DURATION", help="only keys that expire soon or did, such as 14d"
        )
        parser.add_argument("--unused-for", metavar="DURATION", help="only keys unused for, say, 90d")

    def run(self, options: dict[str, Any]) -> Output:
        now = Origin.here().at
        statuses = options["status"]
        chosen = ApiKey.objects.unrevoked() if statuses is None else ApiKey.objects.with_status(statuses, now)
        rows = of_owner(chosen.select_related("user", "organization"), options)
        if options["expiring_within"] is not None:
            rows = rows.expiring_before(now + parse_duration("expiring-within", options["expiring_within"]))
        if options["unused_for"] is not None:
            rows = rows.unused_since(now - parse_duration("unused-for", options["unused_for"]))
        return listing(HEADS, (as_document(key, now) for key in in_parts(rows)), empty="No API keys.")
