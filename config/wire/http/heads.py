"""The head of a request, for decisions that need neither its body nor Django."""

from dataclasses import dataclass
from typing import Any, Protocol

REQUEST_ID = "REQUEST_ID"  # in META: set by our server, or by RequestIdMiddleware; no client can


class Head(Protocol):
    """What a decision reads of a request: Django's HttpRequest has it, and so has a PlainHead."""

    META: dict[str, Any]
    path_info: str
    method: str | None


@dataclass(slots=True)
class PlainHead:
    """A head as our server read it; META are its WSGI variables (PEP 3333)."""

    META: dict[str, Any]
    path_info: str
    method: str | None

    @classmethod
    def of(cls, environ: dict[str, Any]) -> "PlainHead":
        return cls(environ, environ["PATH_INFO"], environ["REQUEST_METHOD"])
