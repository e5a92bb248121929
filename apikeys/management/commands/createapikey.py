from typing import Any

from access.callers import caller_at_command_line
from apikeys.management.arguments import (
    add_expiry_arguments,
    add_limit_arguments,
    add_owner_arguments,
    as_created,
    as_shown_once,
    named_attributes,
    named_expiry,
    named_limits,
    named_owner,
)
from apikeys.services.api_keys import create_api_key
from config.commands import KeyhouseCommand, Output


class Command(KeyhouseCommand):
    help = "Make an API key and print it, for the only time."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--name", required=True, help="name of the key; names may repeat")
        add_owner_arguments(parser, required=True)
        parser.add_argument("--scope", action="append", default=[], help="can be given several times")
        add_expiry_arguments(parser)
        parser.add_argument("--environment", help="one of the profile's; default: its default_environment")
        add_limit_arguments(parser)
        parser.add_argument(
            "--attribute",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="a member of the product's own, as its profile lists them; can be given several times",
        )

    def run(self, options: dict[str, Any]) -> Output:
        caller = caller_at_command_line()
        owner = named_owner(options)
        assert owner is not None  # noqa: S101 (one of the two arguments is required)
        key = create_api_key(
            caller=caller,
            name=options["name"],
            owner=owner,
            granted=options["scope"],
            environment=options["environment"],
            expires_at=named_expiry(options, caller.origin.at),
            attributes=named_attributes(options),
            **named_limits(options),
        )
        document = as_created(key)
        return Output(document, as_shown_once(key, document))
