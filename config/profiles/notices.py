"""The table of a profile file about what the owners of API keys are told by mail."""

from typing import Annotated

from msgspec import Meta

from config.profiles.members import Table, says

Days = Annotated[int, Meta(ge=1, le=3650)]


class Notices(Table, frozen=True):
    """Mails to the owners of API keys. Without a member, Keyhouse does not send that mail."""

    expiry_days: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=365)], ...],
        Meta(max_length=8),
        says("How many days before a key expires its owner gets a mail; one mail for each number."),
    ] = ()
    new_networks: Annotated[
        bool,
        says("Whether the owner gets a mail when a key is used from a network for the first time."),
    ] = False
    stale_days: Annotated[
        Days | None, says("After how many days without use of a key its owner gets a mail.")
    ] = None
    stale_disable_days: Annotated[
        Days | None,
        says(
            "How many days after that mail Keyhouse disables a key that is still unused. Without it: never."
        ),
    ] = None
