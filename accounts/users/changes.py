"""What a caller wants to change about a person."""

from msgspec import UNSET, UnsetType

from config.changes import Changes


class UserChanges(Changes, frozen=True, kw_only=True):
    """The members of a person that change; members that stay are left out. `password` is the new password."""

    username: str | UnsetType | None = UNSET
    email: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    password: str | UnsetType = UNSET
    role: str | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    is_superuser: bool | UnsetType = UNSET
    must_have_second_factor: bool | UnsetType = UNSET
