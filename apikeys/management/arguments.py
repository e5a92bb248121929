"""Arguments and answers that the key commands share."""

from datetime import UTC, datetime
from typing import Any

from accounts.lookups import organization_named, user_named
from accounts.models import Organization, User
from apikeys.models import ApiKey, ApiKeyQuerySet
from config.errors import Invalid
from config.wire import public_id, timestamp


def add_owner_arguments(parser: Any, *, required: bool = False) -> None:
    """Add --user and --organization, of which one at the most may be given."""
    owner = parser.add_mutually_exclusive_group(required=required)
    owner.add_argument("--user", help="user name or e-mail address of the owner")
    owner.add_argument("--organization", help="name of the owning organization")


def of_owner(rows: ApiKeyQuerySet, options: dict[str, Any]) -> ApiKeyQuerySet:
    """Return the rows of the owner named in `options`, all rows if none is."""
    owner = named_owner(options)
    if owner is None:
        return rows
    return rows.filter(user=owner) if isinstance(owner, User) else rows.filter(organization=owner)


def named_owner(options: dict[str, Any]) -> User | Organization | None:
    """Return the owner named in `options`, None if none is. Raises Invalid."""
    if options["user"] is not None:
        return user_named(options["user"])
    if options["organization"] is not None:
        return organization_named(options["organization"])
    return None


def parse_time(member: str, text: str) -> datetime:
    """Read an ISO 8601 time, as UTC; without a zone it is UTC. Raises Invalid."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Invalid(member, f"{text!r} is not an ISO 8601 time, such as 2027-01-31T00:00:00Z") from None


def as_document(key: ApiKey, now: datetime) -> dict[str, Any]:
    """Return the facts of a key, never its text, for --json."""
    return {
        "id": public_id("api_key", key),
        "name": key.name,
        "key_prefix": key.key_prefix,
        "owner": str(key.owner),
        "environment": key.environment,
        "scopes": key.scopes,
        "status": key.status(now),
        "expires_at": timestamp(key.expires_at) if key.expires_at else None,
        "created_at": timestamp(key.created_at),
        "last_used_at": timestamp(key.last_used_at) if key.last_used_at else None,
    }
