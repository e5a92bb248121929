"""The bodies that the OpenAPI document shows, with their examples."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.accounts.helpers import serving
from tests.config.wire.openapi.test_openapi import schema


@dataclass(frozen=True)
class Body:
    """A body of an operation: its media type and its example, and which statuses mean success.

    Without a body the operation is refused if the body `is_required`.
    """

    method: str
    path: str
    media_type: str
    form: Mapping[str, Any]
    example: Any  # by member, but a list in a report by GitHub
    successes: frozenset[int]
    is_required: bool


@dataclass(frozen=True)
class Document:
    bodies: Mapping[str, list[Body]]
    schemas: Mapping[str, Any]


def bodies() -> dict[str, list[Body]]:
    """The bodies of each operation that takes one."""
    found: dict[str, list[Body]] = {}
    for path, methods in schema()["paths"].items():
        for method, operation in methods.items():
            successes = frozenset(int(code) for code in operation["responses"] if code.startswith("2"))
            sent = operation.get("requestBody", {})
            for media_type, form in sent.get("content", {}).items():
                needed = sent.get("required", False)
                body = Body(method, path, media_type, form["schema"], form["example"], successes, needed)
                found.setdefault(operation["operationId"], []).append(body)
    return found


def opening_registration() -> AbstractContextManager[Any]:
    """Everybody may register, so that the operations of registration are there, too."""
    return serving("login", registration_role="member")


@cache
def document_with_registration() -> Document:
    """The bodies and schemas of the document, which takes longer to build than a test."""
    with opening_registration():
        return Document(bodies(), schema()["components"]["schemas"])


def resolved(schemas: Mapping[str, Any], form: Any) -> Any:
    return schemas[form["$ref"].rpartition("/")[2]] if "$ref" in form else form
