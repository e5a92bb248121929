"""The arguments and the output that the key commands share."""

from datetime import UTC, datetime
from typing import Any

from access.credentials import is_key_like
from accounts.models import Organization, User
from accounts.users.lookups import organization_named, user_named
from apikeys.attributes import from_text, read_pairs
from apikeys.durations import parse_duration, parse_rate
from apikeys.models import ApiKey, ApiKeyQuerySet
from apikeys.quotas.changes import QuotaChanges
from apikeys.quotas.models import Counts
from apikeys.services.api_keys import NewKey
from config.wire import ids, times
from config.wire.errors import Invalid, NotFound
from config.wire.fields import timestamp
from config.wire.ids import public_id

PERIODS = {"day": "in a day (UTC)", "month": "in a month (UTC)", "total": "in all"}
WHAT_COUNTS = "what uses units: requests and what services report, or only what services report"


def add_owner_arguments(parser: Any, *, required: bool = False) -> None:
    """Add --user and --organization, which exclude each other."""
    owner = parser.add_mutually_exclusive_group(required=required)
    owner.add_argument("--user", help="user name or e-mail address of the owner")
    owner.add_argument("--organization", help="name of the owning organization")


def of_owner(rows: ApiKeyQuerySet, options: dict[str, Any]) -> ApiKeyQuerySet:
    """Return the rows of the owner in `options`, or all rows without an owner."""
    owner = named_owner(options)
    if owner is None:
        return rows
    return rows.filter(user=owner) if isinstance(owner, User) else rows.filter(organization=owner)


def named_owner(options: dict[str, Any]) -> User | Organization | None:
    """Return the owner in `options`, or None. Raises Invalid."""
    if options["user"] is not None:
        return user_named(options["user"])
    if options["organization"] is not None:
        return organization_named(options["organization"])
    return None


def key_with_id(text: str) -> ApiKey:
    """Return the key with this public id. Raises Invalid."""
    if is_key_like(text):
        raise Invalid("id", "is an API key, not an id; pass keys with --stdin, which keeps them secret")
    try:
        found: ApiKey = ids.find("api_key", ApiKey.objects.select_related("user", "organization"), text)
    except NotFound:
        raise Invalid("id", f"no API key has the id {text}") from None
    return found


def add_expiry_arguments(parser: Any) -> None:
    """Add --expires-at and --expires-in, which exclude each other."""
    expiry = parser.add_mutually_exclusive_group()
    expiry.add_argument("--expires-at", metavar="TIME", help="expiry, such as 2027-01-31T00:00:00Z")
    expiry.add_argument("--expires-in", metavar="DURATION", help="time until the expiry, such as 90d or 24h")


def named_expiry(options: dict[str, Any], now: datetime) -> datetime | None:
    """Return the expiry in `options`, or None. Raises Invalid."""
    if options["expires_at"] is not None:
        return parse_time("expires-at", options["expires_at"])
    if options["expires_in"] is not None:
        return now + parse_duration("expires-in", options["expires_in"])
    return None


def add_limit_arguments(parser: Any) -> tuple[Any, Any]:
    """Add --allowed-network and --rate-limit. Return their groups, for options that exclude them."""
    networks, rate = parser.add_mutually_exclusive_group(), parser.add_mutually_exclusive_group()
    networks.add_argument(
        "--allowed-network",
        action="append",
        metavar="NETWORK",
        help="address or network that may use the key; repeatable",
    )
    rate.add_argument("--rate-limit", metavar="REQUESTS/DURATION", help="such as 100/60s or 5000/1h")
    return networks, rate


def named_limits(options: dict[str, Any]) -> dict[str, Any]:
    """Return allowed_networks and rate_limit as far as `options` has them. Raises Invalid."""
    limits: dict[str, Any] = {}
    if options["allowed_network"] is not None:
        limits["allowed_networks"] = options["allowed_network"]
    if options["rate_limit"] is not None:
        limits["rate_limit"] = parse_rate("rate-limit", options["rate_limit"])
    return limits


def add_quota_arguments(parser: Any) -> None:
    """Add --quota-day, --quota-month, --quota-total and --quota-counts."""
    for period, words in PERIODS.items():
        parser.add_argument(f"--quota-{period}", type=int, metavar="UNITS", help=f"most units {words}")
    parser.add_argument("--quota-counts", choices=Counts.values, help=WHAT_COUNTS)


def named_quota(options: dict[str, Any]) -> QuotaChanges | None:
    """Return the quota in `options`, if there is one."""
    given = {name: options[f"quota_{name}"] for name in (*PERIODS, "counts")}
    given = {name: value for name, value in given.items() if value is not None}
    return QuotaChanges(**given) if given else None


def add_notes_arguments(parser: Any) -> None:
    """Add --description and --metadata."""
    parser.add_argument("--description", help="what the key is for")
    parser.add_argument(
        "--metadata",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a text of your own about the key; repeatable",
    )


def named_notes(options: dict[str, Any]) -> dict[str, Any]:
    """Return description and metadata as far as `options` has them. Raises Invalid."""
    notes: dict[str, Any] = {}
    if options["description"] is not None:
        notes["description"] = options["description"]
    if options["metadata"]:
        notes["metadata"] = read_pairs("metadata", options["metadata"])
    return notes


def named_attributes(options: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes (NAME=VALUE) in `options`. Raises Invalid."""
    pairs = read_pairs("attribute", options["attribute"])
    return {name: from_text(name, value) for name, value in pairs.items()}


def parse_time(member: str, text: str) -> datetime:
    """Read an RFC 3339 or other ISO 8601 time; without a time zone it is UTC. Raises Invalid."""
    if named := times.parse(text):
        return named
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Invalid(member, f"{text!r} is not an ISO 8601 time, such as 2027-01-31T00:00:00Z") from None


def as_document(key: ApiKey, now: datetime) -> dict[str, Any]:
    """Return a key's metadata, never the key itself, for --json."""
    return {
        "id": public_id("api_key", key),
        "name": key.name,
        "key_prefix": key.key_prefix,
        "owner": str(key.owner),
        "environment": key.environment,
        "scopes": key.scopes,
        "status": key.status(now),
        "allowed_networks": key.allowed_networks,
        "rate_limit": str(key.rate_limit) if key.rate_limit else None,
        "description": key.description,
        "metadata": key.metadata,
        "expires_at": timestamp(key.expires_at) if key.expires_at else None,
        "created_at": timestamp(key.created_at),
        "last_used_at": timestamp(key.last_used_at) if key.last_used_at else None,
    }


def as_created(key: NewKey) -> dict[str, Any]:
    """Return a new key's metadata and its text, for --json."""
    row = key.row
    return {
        "id": public_id("api_key", row),
        "name": row.name,
        "key": key.text,
        "key_prefix": row.key_prefix,
        "scopes": row.scopes,
        "expires_at": timestamp(row.expires_at) if row.expires_at else None,
        "created_at": timestamp(row.created_at),
    }


def as_shown_once(key: NewKey, document: dict[str, Any]) -> str:
    """Return the output for a new key. The first line is the key alone."""
    return f"{key.text}\n\nThis is the API key {key.row.name} ({document['id']}). It will not be shown again."
