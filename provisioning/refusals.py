"""Why a file cannot be applied, though it is well-formed."""

from provisioning.kinds.base import Wanted


class Refused(Exception):
    """What a line of the file wants is not possible, or not without an option. The text says why."""

    def __init__(self, wanted: Wanted, reason: str) -> None:
        super().__init__(reason)
        self.line, self.name, self.reason = wanted.line, wanted.name, reason
