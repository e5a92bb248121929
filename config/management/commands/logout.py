from typing import Any

from config.commands.base import Output
from config.remote import use
from config.remote.command import RemoteCommand
from config.remote.logins import storage_for


class Command(RemoteCommand):
    help = "Revoke your login at a Keyhouse on another machine, and delete its tokens here."
    examples = ("{} https://keys.example.org",)

    def run(self, options: dict[str, Any]) -> Output:
        use.log_out(storage_for(options), options["url"])
        return Output({"url": options["url"]}, f"You are logged out at {options['url']}.")
