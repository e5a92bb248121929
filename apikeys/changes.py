"""What a caller wants to change about an API key."""

from collections.abc import Sequence

from msgspec import UNSET, UnsetType

from access.key_limits import Rate
from config.changes import Changes


class ApiKeyChanges(Changes, frozen=True, kw_only=True):
    """New values for a key's members. No networks allow every address; a rate of None removes the limit."""

    name: str | UnsetType = UNSET
    allowed_networks: Sequence[str] | UnsetType = UNSET
    rate_limit: Rate | UnsetType | None = UNSET
