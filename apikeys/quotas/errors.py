"""The error for a key whose quota is used up."""

from collections.abc import Mapping

from config.wire.errors import TooManyAttempts


class QuotaReached(TooManyAttempts):
    """A quota has no units left. `headers` tell the client about it.

    `retry_after` is in seconds; 0 if the quota never begins again.
    """

    code = "quota_reached"

    def __init__(self, detail: str, retry_after: int, headers: Mapping[str, str]) -> None:
        super().__init__(retry_after)
        self.detail = detail
        self.headers = {**(self.headers if retry_after else {}), **headers}
