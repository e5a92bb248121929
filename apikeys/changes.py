"""What a caller wants to change about an API key."""

from collections.abc import Mapping, Sequence

from msgspec import UNSET, UnsetType

from access.key_limits import Rate
from config.changes import Changes


class ApiKeyChanges(Changes, frozen=True, kw_only=True):
    """New values for a key's members. No networks allow every address; a rate of None removes the limit.

    `metadata` changes the pairs that it names, as RFC 7396 does: None removes a pair, or all of them.
    """

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    metadata: Mapping[str, str | None] | UnsetType | None = UNSET
    allowed_networks: Sequence[str] | UnsetType = UNSET
    rate_limit: Rate | UnsetType | None = UNSET
