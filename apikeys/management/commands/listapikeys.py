from typing import Any

from apikeys.durations import parse_duration
from apikeys.management.arguments import add_owner_arguments, as_document, of_owner
from apikeys.models import ApiKey
from audit.actors import Origin
from config.commands import KeyhouseCommand, Output, table


class Command(KeyhouseCommand):
    help = "List the API keys that are not revoked."

    def add_arguments(self, parser: Any) -> None:
        add_owner_arguments(parser)
        parser.add_argument(
            "--expiring-within", metavar="DURATION", help="only keys that expire soon or did, such as 14d"
        )
        parser.add_argument("--unused-for", metavar="DURATION", help="only keys unused for, say, 90d")

    def run(self, options: dict[str, Any]) -> Output:
        now = Origin.here().at
        rows = of_owner(ApiKey.objects.unrevoked().select_related("user", "organization"), options)
        if options["expiring_within"] is not None:
            rows = rows.expiring_before(now + parse_duration("expiring-within", options["expiring_within"]))
        if options["unused_for"] is not None:
            rows = rows.unused_since(now - parse_duration("unused-for", options["unused_for"]))
        documents = [as_document(key, now) for key in rows]
        return Output(documents, _text(documents))


def _text(documents: list[dict[str, Any]]) -> str:
    if not documents:
        return "No API keys."
    heads = ("id", "name", "key_prefix", "owner", "status", "expires_at", "last_used_at")
    return table(heads, [[document[head] or "never" for head in heads] for document in documents])
