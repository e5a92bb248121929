from typing import Any

from access.callers import caller_at_command_line
from apikeys.changes import ApiKeyChanges
from apikeys.management.arguments import (
    add_limit_arguments,
    add_notes_arguments,
    as_document,
    key_with_id,
    named_limits,
    named_notes,
)
from apikeys.services.api_keys import update_api_key
from config.commands.base import KeyhouseCommand, Output


class Command(KeyhouseCommand):
    help = "Change the name, the limits, the description or the metadata of an API key."
    examples = (
        '{} 0916859d-38ef-4fca-91f8-23e176b13986 --name "Stock client 2"',
        "{} 0916859d-38ef-4fca-91f8-23e176b13986 --metadata team=storage --remove-metadata ticket",
        "{} 0916859d-38ef-4fca-91f8-23e176b13986 --any-network --rate-limit 1000/60s",
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("id", help="id of the key, as the API and the admin show it")
        parser.add_argument("--name", help="new name of the key")
        add_notes_arguments(parser)
        parser.add_argument(
            "--remove-metadata",
            action="append",
            default=[],
            metavar="NAME",
            help="remove the text with this name; repeatable",
        )
        networks, rate = add_limit_arguments(parser)
        networks.add_argument("--any-network", action="store_true", help="allow the key from every address")
        rate.add_argument("--no-rate-limit", action="store_true", help="remove the rate limit")

    def run(self, options: dict[str, Any]) -> Output:
        caller = caller_at_command_line()
        changes = named_limits(options) | named_notes(options)
        if removed := dict.fromkeys(options["remove_metadata"]):
            changes["metadata"] = removed | changes.get("metadata", {})
        if options["any_network"]:
            changes["allowed_networks"] = []
        if options["no_rate_limit"]:
            changes["rate_limit"] = None
        if options["name"] is not None:
            changes["name"] = options["name"]
        key = update_api_key(caller=caller, key=key_with_id(options["id"]), changes=ApiKeyChanges(**changes))
        document = as_document(key, caller.origin.at)
        networks = ", ".join(document["allowed_networks"]) or "every address"
        return Output(
            document,
            f"{key.name}: usable from {networks}, {document['rate_limit'] or 'no rate limit'}.",
        )
