from typing import Any

from config.commands.base import Output
from config.remote import use
from config.remote.command import RemoteCommand
from config.remote.logins import storage_for


class Command(RemoteCommand):
    help = "Print the access token of your login at another Keyhouse. Refreshes an expired token first."
    examples = ("{} https://keys.example.org",)

    def run(self, options: dict[str, Any]) -> Output:
        login = use.current(storage_for(options), options["url"])
        return Output({"access_token": login.access_token, "expires_at": login.ends}, login.access_token)
