"""What somebody wants to be another about a person."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import asdict


class UserChanges(Struct, frozen=True, kw_only=True):
    """The members of a person that get another value; the others are left out. `password` is the new one."""

    username: str | UnsetType | None = UNSET
    email: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    password: str | UnsetType = UNSET
    role: str | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    is_superuser: bool | UnsetType = UNSET
    must_have_second_factor: bool | UnsetType = UNSET

    def __repr__(self) -> str:
        return f"UserChanges of {', '.join(self.given())}"

    def given(self) -> dict[str, Any]:
        """The members that were given, with their new values."""
        return {name: value for name, value in asdict(self).items() if value is not UNSET}
