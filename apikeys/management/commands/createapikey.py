from typing import Any

from access.callers import caller_at_command_line
from apikeys.management.arguments import (
    add_expiry_arguments,
    add_limit_arguments,
    add_notes_arguments,
    add_owner_arguments,
    add_quota_arguments,
    as_created,
    as_shown_once,
    named_attributes,
    named_expiry,
    named_limits,
    named_notes,
    named_owner,
    named_quota,
)
from apikeys.services.api_keys import create_api_key
from config.commands.base import KeyhouseCommand, Output


class Command(KeyhouseCommand):
    help = "Create an API key and print it. It is shown only this once."
    examples = (
        '{} --name "Stock client" --user alice --scope services:read --expires-in 90d',
        '{} --name Backup --user alice --description "Copies the archive" --metadata team=operations',
        "{} --name CI --organization Acme --allowed-network 10.0.0.0/8 --rate-limit 100/60s",
        "{} --name Import --user alice --quota-day 10000 --quota-month 50000",
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--name", required=True, help="name of the key; need not be unique")
        add_owner_arguments(parser, required=True)
        parser.add_argument("--scope", action="append", default=[], help="scope of the key; repeatable")
        add_expiry_arguments(parser)
        parser.add_argument("--environment", help="environment; default: the profile's default_environment")
        add_limit_arguments(parser)
        add_quota_arguments(parser)
        add_notes_arguments(parser)
        parser.add_argument(
            "--attribute",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="attribute that the profile defines; repeatable",
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
            quota=named_quota(options),
            **named_limits(options),
            **named_notes(options),
        )
        document = as_created(key)
        return Output(document, as_shown_once(key, document))
