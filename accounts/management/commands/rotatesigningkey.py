from typing import Any

from access.callers import caller_at_command_line
from accounts.signing.services import rotate_signing_key
from config.commands.base import KeyhouseCommand, Output
from config.secrets.key_pairs import ALGORITHMS


class Command(KeyhouseCommand):
    help = "Make a new key that signs tokens from now on. Earlier keys stay, for verification."
    examples = (
        "{}",
        "{} --algorithm ES256",
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "--algorithm", choices=ALGORITHMS, help="default: the profile's algorithm, if it has only one"
        )

    def run(self, options: dict[str, Any]) -> Output:
        key = rotate_signing_key(caller=caller_at_command_line(), algorithm=options["algorithm"])
        return Output(
            {"kid": key.kid, "alg": key.algorithm}, f"{key.algorithm} key {key.kid} signs from now on."
        )
