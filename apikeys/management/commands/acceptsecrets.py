from typing import Any

from access.callers import caller_at_command_line
from apikeys.services.known_secrets import Findings, accept_secrets
from config.commands import KeyhouseCommand, Output, confirm, table

WHAT_TO_DO = (
    "Keys have to be made anew (createapikey), secrets of clients too (in the admin); whoever has a second "
    "factor sets it up anew (removesecondfactor), with new recovery codes. Logins and tokens that a missing "
    "key has signed are over."
)


class Command(KeyhouseCommand):
    help = (
        "Go on with other peppers, seed keys and signing keys than those that this database was used with, "
        "because those are lost. What is stored under them stays, and stays worthless."
    )
    needs_secrets = False

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--dry-run", action="store_true", help="show what stops working, accept nothing")

    def run(self, options: dict[str, Any]) -> Output:
        caller = caller_at_command_line()
        found = accept_secrets(caller=caller, dry_run=True)
        document = {"differences": found.differences, "lost": found.lost, "accepted": False}
        if found.is_fit:
            return Output(
                document, "Nothing to accept: the secrets here are those that this database was used with."
            )
        if options["dry_run"]:
            return Output(document, f"{_as_text(found)}\n\nNothing was accepted.")
        if not options["yes"]:
            confirm(f"{_as_text(found)}\n\nThis goes on without the secrets from before.", option="--yes")
        accept_secrets(caller=caller)
        return Output(document | {"accepted": True}, f"{_as_text(found)}\n\nAccepted.")


def _as_text(found: Findings) -> str:
    lost = table(("stops working", "how many"), list(found.lost.items()))
    return "\n".join([*found.differences, "", lost, "", WHAT_TO_DO])
