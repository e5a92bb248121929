"""The table of a profile file about the rotation of API keys."""

from typing import Annotated

from msgspec import Meta

from config.profiles.members import Table, says


class Rotation(Table, frozen=True):
    """How a rotation ends. Without `quiet_hours`, the old key always lasts until the overlap's end."""

    quiet_hours: Annotated[
        Annotated[int, Meta(ge=1, le=720)] | None,
        says(
            "Callers may rotate a key with `finish: when_quiet`: Keyhouse revokes the old key once the new "
            "key was used, and the old one was not used for this many hours."
        ),
    ] = None
    longest_days: Annotated[
        Annotated[int, Meta(ge=1, le=365)] | None,
        says(
            "While programs use the old key, such a rotation waits beyond the end of the overlap, at most "
            "this many days from its start. Without it, the old key ends with the overlap."
        ),
    ] = None
