from collections.abc import Iterator
from typing import Any

from apikeys.notices.rounds import preview, tell_all
from apikeys.notices.writing import Told
from config.commands.base import KeyhouseCommand, Output, listing
from config.wire.ids import format_id

HEADS = ("kind", "id", "name", "owner", "people")


class Command(KeyhouseCommand):
    help = (
        "Tell the owners of API keys by mail what is due: keys that expire soon, were not used for a long "
        "time, or were used from a new network. Running servers do it without this command."
    )
    examples = ("{} --dry-run", "{} --dry-run --json")

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="list the mails that would come next, at most 500 keys of each kind, and change nothing",
        )

    def run(self, options: dict[str, Any]) -> Output:
        told = preview() if options["dry_run"] else tell_all()
        return listing(HEADS, _documents(iter(told)), empty="Nothing is due.")


def _documents(told: Iterator[Told]) -> Iterator[dict[str, Any]]:
    for each in told:
        key = each.due.key
        yield {
            "kind": each.kind.value,
            "id": format_id("api_key", key.pk, key.uuid),
            "name": key.name,
            "owner": str(key.owner),
            "people": [person.email for person in each.people],
            **each.due.detail,
        }
