"""What `login`, `token` and `logout` have in common."""

from typing import Any

from config.commands.base import KeyhouseCommand
from config.remote.keyhouse import address_of


class RemoteCommand(KeyhouseCommand):
    """A command that a person runs against another Keyhouse. It needs no database and no server secrets."""

    needs_secrets = False

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "url", metavar="URL", type=address_of, help="address of the Keyhouse: https://keys.example.org"
        )
        parser.add_argument(
            "--token-file",
            metavar="PATH",
            help="file for the tokens, which only its owner may read; without it, the keyring keeps them",
        )
