"""Requests that the event loop refuses before a thread has seen them."""


class RefusedRequest(Exception):
    """A request is not accepted, because of its head or its body.

    `retry_after`: in how many seconds it may be accepted, 0 if never.
    """

    def __init__(self, status: int, code: str, detail: str, *, retry_after: int = 0) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.retry_after = status, code, detail, retry_after
