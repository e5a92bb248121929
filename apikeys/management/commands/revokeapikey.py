import sys
from typing import Any

from accounts.callers import caller_at_command_line
from apikeys import peppers
from apikeys.management.arguments import add_owner_arguments, as_document, of_owner
from apikeys.models import ApiKey
from apikeys.services.api_keys import revoke_api_keys
from config import wire
from config.commands import KeyhouseCommand
from config.errors import Invalid, NotFound


class Command(KeyhouseCommand):
    help = "Revoke API keys for good: by id, of an owner, or the keys themselves on standard input."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("id", nargs="*")
        add_owner_arguments(parser)
        parser.add_argument("--stdin", action="store_true", help="read keys, one a line, from standard input")
        parser.add_argument("--reason", default="")
        parser.add_argument(
            "--dry-run", action="store_true", help="show what would be revoked, and revoke nothing"
        )

    def run(self, options: dict[str, Any]) -> tuple[Any, str]:
        caller = caller_at_command_line()
        selected = _selected(options)
        documents = [as_document(key, caller.origin.at) for key in selected]
        if options["dry_run"]:
            return {"revoked": 0, "selected": documents}, f"{len(selected)} keys would be revoked."
        revoked = revoke_api_keys(caller=caller, selected=selected, reason=options["reason"])
        return {"revoked": revoked, "selected": documents}, f"{revoked} of {len(selected)} keys revoked."


def _selected(options: dict[str, Any]) -> list[ApiKey]:
    """The keys meant, by the one way that was chosen. Raises Invalid; an unknown one stops it all."""
    ways = [bool(options["id"]), bool(options["user"] or options["organization"]), options["stdin"]]
    if sum(ways) != 1:
        raise Invalid("id", "give ids, or --user, or --organization, or --stdin; one of them")
    rows = ApiKey.objects.select_related("user", "organization")
    if options["id"]:
        return [_by_id(text) for text in options["id"]]
    if options["stdin"]:
        lines = [line.strip() for line in sys.stdin]
        return [_by_text(line, number) for number, line in enumerate(lines, start=1) if line]
    return list(of_owner(rows.unrevoked(), options))


def _by_id(text: str) -> ApiKey:
    try:
        found: ApiKey = wire.find("api_key", ApiKey.objects.select_related("user", "organization"), text)
    except NotFound:
        raise Invalid("id", f"there is no API key with the id {text}") from None
    return found


def _by_text(text: str, line: int) -> ApiKey:
    found = (
        ApiKey.objects.select_related("user", "organization").filter(digest__in=peppers.digests(text)).first()
    )
    if found is None:
        raise Invalid("stdin", f"line {line} is no API key of this installation")
    return found
