from datetime import datetime
from typing import Any

from accounts.callers import caller_at_command_line
from apikeys.durations import parse_duration
from apikeys.management.arguments import add_owner_arguments, named_owner, parse_time
from apikeys.services.api_keys import create_api_key
from config.commands import KeyhouseCommand
from config.wire import public_id, timestamp


class Command(KeyhouseCommand):
    help = "Make an API key and print it, for the only time."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--name", required=True)
        add_owner_arguments(parser, required=True)
        parser.add_argument("--scope", action="append", default=[], help="can be given several times")
        expiry = parser.add_mutually_exclusive_group()
        expiry.add_argument("--expires-at", metavar="TIME", help="ISO 8601, such as 2027-01-31T00:00:00Z")
        expiry.add_argument("--expires-in", metavar="DURATION", help="such as 90d or 24h")
        parser.add_argument("--environment")

    def run(self, options: dict[str, Any]) -> tuple[Any, str]:
        caller = caller_at_command_line()
        owner = named_owner(options)
        assert owner is not None  # noqa: S101 (one of the two arguments is required)
        key = create_api_key(
            caller=caller,
            name=options["name"],
            owner=owner,
            granted=options["scope"],
            environment=options["environment"],
            expires_at=_expiry(options, caller.origin.at),
        )
        row = key.row
        document = {
            "id": public_id("api_key", row),
            "name": row.name,
            "key": key.text,
            "key_prefix": row.key_prefix,
            "scopes": row.scopes,
            "expires_at": timestamp(row.expires_at) if row.expires_at else None,
            "created_at": timestamp(row.created_at),
        }
        return (
            document,
            f"{key.text}\n\nThis is API key {row.name} ({document['id']}). It is not shown again.",
        )


def _expiry(options: dict[str, Any], now: datetime) -> datetime | None:
    if options["expires_at"] is not None:
        return parse_time("expires-at", options["expires_at"])
    if options["expires_in"] is not None:
        return now + parse_duration("expires-in", options["expires_in"])
    return None
