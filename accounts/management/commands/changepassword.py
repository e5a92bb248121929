from typing import Any

from access.callers import caller_at_command_line
from accounts.users.lookups import user_named
from accounts.users.services import set_password
from config.commands.base import KeyhouseCommand, Output
from config.commands.terminal import read_secret
from config.wire.ids import public_id


class Command(KeyhouseCommand):
    help = "Give a person a new password and end all their sessions."
    examples = (
        "{} alice",
        "{} alice --password-stdin < password.txt",
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("user", help="user name or e-mail address")
        parser.add_argument(
            "--password-stdin", action="store_true", help="read the password from standard input"
        )

    def run(self, options: dict[str, Any]) -> Output:
        user = user_named(options["user"])
        password = read_secret("New password", from_stdin=options["password_stdin"])
        set_password(caller=caller_at_command_line(), user=user, password=password)
        return Output(
            {"id": public_id("user", user)}, f"{user} has a new password; their sessions have ended."
        )
