from typing import Any

from access.callers import caller_at_command_line
from accounts.organizations.services import create_organization
from config.commands.base import KeyhouseCommand, Output
from config.wire.ids import public_id


class Command(KeyhouseCommand):
    help = "Add an organization."
    examples = ("{} --name Acme",)

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--name", required=True, help="unique name of the organization")

    def run(self, options: dict[str, Any]) -> Output:
        row = create_organization(caller=caller_at_command_line(), name=options["name"])
        document = {"id": public_id("organization", row), "name": row.name}
        return Output(document, f"Organization {row.name} added ({document['id']}).")
