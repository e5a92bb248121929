"""What a caller wants to change about a webhook."""

from msgspec import UNSET, UnsetType

from config.changes import Changes


class WebhookChanges(Changes, frozen=True, kw_only=True):
    """The members of a webhook that change; members that stay are left out."""

    url: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    events: list[str] | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
