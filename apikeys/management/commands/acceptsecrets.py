from typing import Any

from access.callers import caller_at_command_line
from apikeys.services.known_secrets import Findings, accept_secrets
from config.commands.base import KeyhouseCommand, Output
from config.commands.tables import Table, lines
from config.commands.terminal import confirm

WHAT_TO_DO = (
    "Create new keys (createapikey) and new client secrets (in the admin). Remove lost second factors "
    "(removesecondfactor): their owners set up new ones, with new recovery codes. Type the secrets of "
    "identity providers again, and rotate those of webhooks. Logins and tokens that a missing key signed "
    "have ended."
)


class Command(KeyhouseCommand):
    help = (
        "Continue with other peppers, seed keys and signing keys than the database was used with, because "
        "the old ones are lost. Data stored under them is kept, but stays unusable."
    )
    needs_secrets = False
    examples = (
        "{} --dry-run",
        "{} --yes",
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")
        parser.add_argument("--dry-run", action="store_true", help="only show what stops working")

    def run(self, options: dict[str, Any]) -> Output:
        caller = caller_at_command_line()
        found = accept_secrets(caller=caller, dry_run=True)
        document = {"differences": found.differences, "lost": found.lost, "accepted": False}
        if found.is_fit:
            return Output(
                document, "Nothing to accept: the secrets here are those that the database was used with."
            )
        if options["dry_run"]:
            return Output(document, f"{_as_text(found)}\n\nNothing was accepted.")
        if not options["yes"]:
            confirm(f"{_as_text(found)}\n\nKeyhouse will continue without the old secrets.", option="--yes")
        accept_secrets(caller=caller)
        return Output(document | {"accepted": True}, f"{_as_text(found)}\n\nAccepted.")


def _as_text(found: Findings) -> str:
    lost = lines(Table(("stops working", "how many"), list(found.lost.items())))
    return "\n".join([*found.differences, "", *lost, "", WHAT_TO_DO])
