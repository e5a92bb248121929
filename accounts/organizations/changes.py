"""What a caller wants to change about an organization."""

from msgspec import UNSET, UnsetType

from config.changes import Changes


class OrganizationChanges(Changes, frozen=True, kw_only=True):
    """The members of an organization that change; members that stay are left out."""

    name: str | UnsetType = UNSET
    requires_second_factor: bool | UnsetType = UNSET
