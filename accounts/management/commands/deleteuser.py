from typing import Any

from django.db import transaction

from access.callers import caller_at_command_line
from accounts import hooks
from accounts.users.lookups import user_named
from accounts.users.services import delete_user
from config.commands.base import KeyhouseCommand, Output
from config.commands.terminal import confirm
from config.wire.ids import public_id


class Command(KeyhouseCommand):
    help = "Delete a person for good, with their memberships, sessions and API keys."
    examples = (
        "{} alice --dry-run",
        "{} alice --yes",
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("user", help="user name or e-mail address")
        parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")
        parser.add_argument("--dry-run", action="store_true", help="only show who would be deleted")

    def run(self, options: dict[str, Any]) -> Output:
        user = user_named(options["user"])
        document = {
            "id": public_id("user", user),
            "username": user.username,
            "email": user.email,
            "organizations": user.memberships.count(),
            "api_keys": sum(held.count(user) for held in hooks.holdings),
            "deleted": not options["dry_run"],
        }
        what = "memberships: {organizations}, API keys: {api_keys}".format(**document)
        if options["dry_run"]:
            with transaction.atomic():
                delete_user(caller=caller_at_command_line(), user=user)
                transaction.set_rollback(True)
            return Output(document, f"User {user} would be deleted ({what}).")
        if not options["yes"]:
            confirm(f"This deletes {user} ({what}) for good.", option="--yes")
        delete_user(caller=caller_at_command_line(), user=user)
        return Output(document, f"User {user} deleted ({what}).")
