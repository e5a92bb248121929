from typing import Any

from accounts.models import User
from accounts.users.lookups import organization_named
from config.commands.base import KeyhouseCommand, Output, listing
from config.database.rows import in_parts
from config.wire.fields import timestamp
from config.wire.ids import public_id

HEADS = ("id", "username", "email", "role", "status", "second_factor", "organizations", "last_login_at")


class Command(KeyhouseCommand):
    help = "List people, newest first."
    examples = ("{}", "{} --organization Acme --status active", "{} --json")

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--organization", help="only members of the organization with this name")
        parser.add_argument("--status", choices=("active", "inactive"), help="only people with this status")

    def run(self, options: dict[str, Any]) -> Output:
        rows = User.objects.all()
        if options["organization"] is not None:
            rows = rows.filter(organizations=organization_named(options["organization"]))
        if options["status"] is not None:
            rows = rows.filter(is_active=options["status"] == "active")
        rows = rows.select_related("second_factor").prefetch_related("memberships__organization")
        return listing(HEADS, (_as_document(user) for user in in_parts(rows)), empty="No people.")


def _as_document(user: User) -> dict[str, Any]:
    device = getattr(user, "second_factor", None)
    return {
        "id": public_id("user", user),
        "username": user.username,
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "superuser": user.is_superuser,
        "status": "active" if user.is_active else "inactive",
        "second_factor": device is not None and device.confirmed,
        "organizations": [f"{each.organization.name}={each.role}" for each in user.memberships.all()],
        "created_at": timestamp(user.created_at),
        "last_login_at": timestamp(user.last_login_at) if user.last_login_at else None,
    }
