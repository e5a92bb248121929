from typing import Any

from apikeys.advice.unneeded import DAYS, advised
from apikeys.management.arguments import add_owner_arguments, of_owner
from apikeys.models import ApiKey
from audit.actors import Origin
from config.commands.base import KeyhouseCommand, Output, listing
from config.wire.ids import format_id

HEADS = ("id", "name", "owner", "unneeded", "kept")


class Command(KeyhouseCommand):
    help = (
        f"List API keys that could do without some of their scopes: those not needed in {DAYS} days. It "
        "changes nothing; the console and the admin narrow a key with one button."
    )
    examples = ("{}", "{} --organization Acme --json")

    def add_arguments(self, parser: Any) -> None:
        add_owner_arguments(parser)

    def run(self, options: dict[str, Any]) -> Output:
        now = Origin.here().at
        rows = of_owner(ApiKey.objects.usable(now), options)
        documents = (
            {
                "id": format_id("api_key", key.pk, key.uuid),
                "name": key.name,
                "owner": str(key.owner),
                **found._asdict(),
            }
            for key, found in advised(rows, now)
        )
        return listing(HEADS, documents, empty="Every key needs its scopes.")
