import time
from typing import Any

from config.commands.base import Output
from config.commands.terminal import say
from config.logs import escape
from config.remote import use
from config.remote.command import RemoteCommand
from config.remote.keyhouse import Codes, Keyhouse
from config.remote.logins import storage_for


class Command(RemoteCommand):
    help = (
        "Log in to a Keyhouse on another machine: the command shows a code, and you type it at /device there."
    )
    examples = (
        "{} https://keys.example.org --client-id ID --scope services:read",
        "{} https://keys.example.org --client-id ID --token-file ~/.config/keyhouse-token",
    )
    wait = staticmethod(time.sleep)

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--client-id", required=True, help="id of a public client that may ask from devices"
        )
        parser.add_argument(
            "--scope",
            action="append",
            default=[],
            help="scope to ask for; can be given several times; without it, all that the client may get",
        )
        parser.add_argument("--no-browser", action="store_true", help="do not open the page in a browser")

    def run(self, options: dict[str, Any]) -> Output:
        storage, url, client_id = storage_for(options), options["url"], options["client_id"]
        storage.load(url)  # so that a keyring that fails does so before the person has answered
        keyhouse = Keyhouse.at(url)
        codes = use.ask_for_codes(keyhouse, client_id, options["scope"])
        show(codes, has_browser=not options["no_browser"] and use.open_browser(codes.verification_uri))
        tokens = use.wait_for_person(keyhouse, client_id, codes, wait=self.wait)
        login = use.replace(storage, keyhouse, client_id, tokens)
        return Output({"url": url, "expires_at": login.ends}, f"You are logged in at {url}.")


def show(codes: Codes, *, has_browser: bool) -> None:
    """Show the person what to type, and where."""
    page, code = escape(codes.verification_uri), escape(codes.user_code)
    say(f"{'Your browser shows' if has_browser else 'Open'} {page}")
    say(f"Type this code there: {code}")
