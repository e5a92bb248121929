"""The one error of profiles."""

from config.env import ConfigurationError


class ProfileError(ConfigurationError):
    """A profile that cannot be served: which file, which member, and why."""

    id = "keyhouse.E001"

    def __init__(self, source: str, member: str, reason: str) -> None:
        self.source, self.member, self.reason = (
            " ".join(text.splitlines()) for text in (source, member, reason)
        )
        super().__init__(f"({self.id}) profile {self.source}: {self.member}: {self.reason}")
