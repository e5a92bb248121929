"""What `login`, `token` and `logout` have in common."""

from typing import Any

from config.commands.base import KeyhouseCommand
from config.remote.keyhouse import address_of


class RemoteCommand(KeyhouseCommand):
    """A command of a person, about a Keyhouse elsewhere. It uses no database and no secrets of a server."""

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
