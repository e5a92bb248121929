from typing import Any

from access.callers import caller_at_command_line
from apikeys.at_rest import digests
from apikeys.management.arguments import add_owner_arguments, as_document, key_with_id, of_owner
from apikeys.models import ApiKey
from apikeys.services.revocation import revoke_api_keys
from config.commands.base import KeyhouseCommand, Output
from config.commands.terminal import read_lines
from config.database.rows import in_batches
from config.wire.errors import Invalid


class Command(KeyhouseCommand):
    help = "Revoke API keys for good: by id, by owner, or by the keys themselves on standard input."
    examples = (
        '{} 0916859d-38ef-4fca-91f8-23e176b13986 --reason "leaked"',
        "{} --user alice --dry-run",
        "{} --stdin < leaked.txt",
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("id", nargs="*", help="ids of keys, as the API and the admin show them")
        add_owner_arguments(parser)
        parser.add_argument("--stdin", action="store_true", help="read keys from standard input, one a line")
        parser.add_argument("--reason", default="", help="reason, for the audit log")
        parser.add_argument(
            "--dry-run", action="store_true", help="show what would be revoked, but revoke nothing"
        )

    def run(self, options: dict[str, Any]) -> Output:
        caller = caller_at_command_line()
        selected = _selected(options)
        if options["dry_run"]:
            revoked, text = 0, f"{_keys(sum(key.revoked_at is None for key in selected))} would be revoked."
        else:
            revoked = revoke_api_keys(caller=caller, selected=selected, reason=options["reason"])
            text = f"{revoked} of {_keys(len(selected))} revoked."
        rows = [row for some in in_batches(_rows(), (key.pk for key in selected)) for row in some]
        shown = [as_document(row, caller.origin.at) for row in reversed(rows)]
        return Output({"revoked": revoked, "selected": shown}, text)


def _keys(count: int) -> str:
    return "1 key" if count == 1 else f"{count} keys"


def _rows() -> Any:
    return ApiKey.objects.select_related("user", "organization")


def _selected(options: dict[str, Any]) -> set[ApiKey]:
    """Return the selected keys. Raises Invalid if the options conflict, or a key is unknown."""
    by_owner = options["user"] is not None or options["organization"] is not None
    if sum([bool(options["id"]), by_owner, options["stdin"]]) != 1:
        raise Invalid("id", "give exactly one of: ids, --user, --organization, --stdin")
    if by_owner:
        return set(of_owner(ApiKey.objects.unrevoked(), options))
    if options["id"]:
        return {key_with_id(text) for text in options["id"]}
    lines = enumerate((line.strip() for line in read_lines()), start=1)
    found = {_by_text(line, number) for number, line in lines if line}
    if not found:
        raise Invalid("stdin", "contains no key")
    return found


def _by_text(text: str, line: int) -> ApiKey:
    found = ApiKey.objects.filter(digest__in=digests.digests(text)).first()
    if found is None:
        raise Invalid("stdin", f"line {line} is not an API key of this installation")
    return found
