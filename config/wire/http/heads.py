"""The head of a request, for decisions that need neither the body nor Django."""

from dataclasses import dataclass
from typing import Any, Protocol

REQUEST_ID = "REQUEST_ID"  # in META; only our server and RequestIdMiddleware set it, never a client


class Head(Protocol):
    """The part of a request that decisions read. Django's HttpRequest and PlainHead have it."""

    META: dict[str, Any]
    path_info: str
    method: str | None


@dataclass(slots=True)
class PlainHead:
    """A head as our server read it. META has its WSGI variables (PEP 3333)."""

    META: dict[str, Any]
    path_info: str
    method: str | None
    fingerprint: bytes = b""  # of its bytes and the peer's address; empty if nobody has taken it

    @classmethod
    def of(cls, environ: dict[str, Any], fingerprint: bytes = b"") -> "PlainHead":
        return cls(environ, environ["PATH_INFO"], environ["REQUEST_METHOD"], fingerprint)
