from typing import Any

from access.callers import caller_at_command_line
from accounts.users.lookups import organization_named
from config.commands.base import KeyhouseCommand, Output
from config.wire.ids import public_id
from federation.services.enforcing import set_enforcement


class Command(KeyhouseCommand):
    help = "Let members of an organization log in without the identity provider that it requires."
    examples = ("{} Acme",)

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("organization", help="name of the organization")

    def run(self, options: dict[str, Any]) -> Output:
        organization = organization_named(options["organization"])
        set_enforcement(caller=caller_at_command_line(), organization=organization, required=False)
        document = {"id": public_id("organization", organization)}
        return Output(document, f"Members of {organization} log in with their own passwords again.")
