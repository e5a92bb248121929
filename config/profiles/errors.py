"""The error of invalid profiles."""

from config.env import ConfigurationError


class ProfileError(ConfigurationError):
    """A profile is invalid. Names the file, the member, and what is wrong."""

    id = "keyhouse.E001"

    def __init__(self, source: str, member: str, reason: str) -> None:
        self.source, self.member, self.reason = (
            " ".join(text.splitlines()) for text in (source, member, reason)
        )
        super().__init__(f"({self.id}) profile {self.source}: {self.member}: {self.reason}")
