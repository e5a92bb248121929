"""The changes that a caller wants to make to a stored row."""

from typing import Any

from msgspec import UNSET, Struct
from msgspec.structs import asdict


class Changes(Struct, frozen=True, kw_only=True):
    """New values for members. Members left out are UNSET and keep their values."""

    def __repr__(self) -> str:
        return f"{type(self).__name__} of {', '.join(self.given())}"

    def given(self) -> dict[str, Any]:
        """Return the given members with their new values."""
        return {name: value for name, value in asdict(self).items() if value is not UNSET}
