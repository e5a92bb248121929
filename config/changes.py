"""What a caller wants to change about something that is stored."""

from typing import Any

from msgspec import UNSET, Struct
from msgspec.structs import asdict


class Changes(Struct, frozen=True, kw_only=True):
    """Members that get another value. Those that are left out are UNSET, and stay as they are."""

    def __repr__(self) -> str:
        return f"{type(self).__name__} of {', '.join(self.given())}"

    def given(self) -> dict[str, Any]:
        """The members that were given, with their new values."""
        return {name: value for name, value in asdict(self).items() if value is not UNSET}
