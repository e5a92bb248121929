"""What callers want to change about a person, or about themselves."""

from msgspec import UNSET, UnsetType

from config.changes import Changes


class ProfileChanges(Changes, frozen=True, kw_only=True):
    """What people change about themselves; members that stay are left out."""

    name: str | UnsetType = UNSET
    language: str | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET
    notifications: list[str] | UnsetType = UNSET


class UserChanges(ProfileChanges, frozen=True, kw_only=True):
    """The members of a person that change; members that stay are left out. `password` is the new password."""

    username: str | UnsetType | None = UNSET
    email: str | UnsetType = UNSET
    password: str | UnsetType = UNSET
    role: str | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    is_superuser: bool | UnsetType = UNSET
    must_have_second_factor: bool | UnsetType = UNSET
