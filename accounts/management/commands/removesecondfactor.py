from typing import Any

from access.callers import caller_at_command_line
from accounts.second_factor.services import remove_second_factors
from accounts.users.lookups import user_named
from config.commands.base import KeyhouseCommand, Output
from config.wire.ids import public_id


class Command(KeyhouseCommand):
    help = "Remove the second factor of a person who has lost it. They then log in with their password alone."
    examples = ("{} alice",)

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("user", help="user name or e-mail address")

    def run(self, options: dict[str, Any]) -> Output:
        user = user_named(options["user"])
        remove_second_factors(caller=caller_at_command_line(), selected=[user])
        return Output({"id": public_id("user", user)}, f"{user} no longer has a second factor.")
