from typing import Any

from access.callers import caller_at_command_line
from accounts.models import Organization
from accounts.users.lookups import organization_named
from accounts.users.services import create_user
from config.commands.base import KeyhouseCommand, Output
from config.commands.terminal import read_secret
from config.wire.errors import Invalid
from config.wire.ids import public_id


class Command(KeyhouseCommand):
    help = "Add a person. The command reads the password from standard input or asks for it."
    examples = (
        "{} --username alice --email alice@example.org --role member --organization Acme=owner",
        "{} --username ada --email ada@example.org --role admin --password-stdin < password.txt",
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--username", required=True, help="user name, for logins")
        parser.add_argument("--email", required=True, help="e-mail address, for logins and mails")
        parser.add_argument("--full-name", default="", help="display name")
        parser.add_argument("--role", required=True, help="global role of the profile")
        parser.add_argument(
            "--organization",
            action="append",
            default=[],
            metavar="NAME=ROLE",
            help="organization and the role in it; can be given several times",
        )
        parser.add_argument("--superuser", action="store_true", help="allow everything, regardless of role")
        parser.add_argument(
            "--password-stdin", action="store_true", help="read the password from standard input"
        )

    def run(self, options: dict[str, Any]) -> Output:
        memberships = [_membership(text) for text in options["organization"]]
        user = create_user(
            caller=caller_at_command_line(),
            username=options["username"],
            email=options["email"],
            name=options["full_name"],
            role=options["role"],
            memberships=memberships,
            is_superuser=options["superuser"],
            password=read_secret("Password", from_stdin=options["password_stdin"]),
        )
        document = {
            "id": public_id("user", user),
            "username": user.username,
            "email": user.email,
            "name": user.name,
            "role": user.role,
            "organizations": [
                {"id": public_id("organization", row), "name": row.name, "role": role}
                for row, role in memberships
            ],
        }
        return Output(document, f"User {user} added ({document['id']}), role {user.role}.")


def _membership(text: str) -> tuple[Organization, str]:
    name, equals, role = text.rpartition("=")
    if not equals:
        raise Invalid("organization", f"{text} is not NAME=ROLE")
    return organization_named(name), role
