"""The table of a profile file about the rotation of API keys."""

from typing import Annotated

from msgspec import Meta

from config.profiles.members import Table, says


class Rotation(Table, frozen=True):
    """How a rotation ends. Without `quiet_hours`, the old key always lasts until the overlap's end."""

    quiet_hours: Annotated[
        Annotated[int, Meta(ge=1, le=720)] | None,
        says(
            "A rotation can be told to finish when the old key is quiet: once the new key was used, and the "
            "old one was not for so many hours, the old one is revoked."
        ),
    ] = None
    longest_days: Annotated[
        Annotated[int, Meta(ge=1, le=365)] | None,
        says(
            "Such a rotation waits beyond the overlap's end while the old key is used, at most until so many "
            "days after it began. Without it, the old key ends with the overlap."
        ),
    ] = None
