"""The head of a request, for decisions that need neither the body nor Django."""

from dataclasses import dataclass
from typing import Any, Protocol

# In META; only our code sets these, never a client.
REQUEST_ID = "REQUEST_ID"
ROUTE = "keyhouse.route"  # the row of the gateway's table, or the name of the URL
CREDENTIAL = "keyhouse.credential"  # what was sent, if it was good; its str() is its kind and public id


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
