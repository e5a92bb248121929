from typing import Any

from access.callers import caller_at_command_line
from apikeys.durations import parse_duration
from apikeys.management.arguments import (
    add_expiry_arguments,
    as_created,
    as_shown_once,
    key_with_id,
    named_expiry,
)
from apikeys.services.rotation import LONGEST_OVERLAP, NO_OVERLAP, rotate_api_key
from config.commands.base import KeyhouseCommand, Output
from config.wire.fields import timestamp


class Command(KeyhouseCommand):
    help = "Replace an API key with a new one and print it. It is shown only this once."
    examples = ("{} 0916859d-38ef-4fca-91f8-23e176b13986 --overlap 24h",)

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("id", help="id of the key, as the API and the admin show it")
        parser.add_argument(
            "--overlap",
            metavar="DURATION",
            help=f"how long the old key stays valid, such as 24h, at most {LONGEST_OVERLAP.days}d; "
            "default: it is revoked at once",
        )
        parser.add_argument(
            "--when-quiet",
            action="store_true",
            help="end the old key earlier, once the new one was used and the old one is not used any more",
        )
        add_expiry_arguments(parser)  # of the new key; default: that of the old key

    def run(self, options: dict[str, Any]) -> Output:
        caller = caller_at_command_line()
        old = key_with_id(options["id"])
        overlap = options["overlap"]
        new = rotate_api_key(
            caller=caller,
            key=old,
            expires_at=named_expiry(options, caller.origin.at) or old.expires_at,
            overlap=parse_duration("overlap", overlap) if overlap is not None else NO_OVERLAP,
            when_quiet=options["when_quiet"],
        )
        document = as_created(new) | {"predecessor_ends_at": timestamp(new.predecessor_ends_at)}
        return Output(
            document, f"{as_shown_once(new, document)} The old key ends at {document['predecessor_ends_at']}."
        )
