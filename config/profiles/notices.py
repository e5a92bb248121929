"""The table of a profile file about what the owners of API keys are told by mail."""

from typing import Annotated

from msgspec import Meta

from config.profiles.members import Table, says

Days = Annotated[int, Meta(ge=1, le=3650)]


class Notices(Table, frozen=True):
    """What the owners of API keys are told by mail. Without a member they are not told of that."""

    expiry_days: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=365)], ...],
        Meta(max_length=8),
        says("So many days before a key expires its owner gets a mail, one for each number."),
    ] = ()
    new_networks: Annotated[
        bool,
        says("Whether the owner gets a mail when a key is used from a network for the first time."),
    ] = False
    stale_days: Annotated[
        Days | None, says("When a key has not been used for so many days, its owner gets a mail.")
    ] = None
    stale_disable_days: Annotated[
        Days | None,
        says("So many days after that mail a key that is still not used is disabled. Without it, none is."),
    ] = None
