"""The texts of the OpenAPI document. Each folder with views or serializers has its own in openapi.toml."""

import sys
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

# Every tag, in the order in which pages show them.
TAGS = {
    "Log in": "Log in, refresh tokens, log out. Forgotten passwords, registration, invitations by mail.",
    "Your account": "What people see and change about themselves: name, password, second factor, sessions.",
    "API keys": "Create, change, rotate and revoke API keys, and see how they are used.",
    "People": "Manage people, their sessions, and invitations to an account.",
    "Organizations": "Manage organizations, their members, and invitations to them.",
    "Audit log": "Read what happened, who did it and when.",
    "Webhooks": "Send events of the audit log to your own services, and see what was delivered.",
    "OAuth2": "OAuth2 and OpenID Connect, for applications that act for people, and for machines.",
    "Credential checks": "For proxies and services: ask whether a credential is valid and what it may do.",
    "Monitoring": "Probes and metrics for the operator.",
}


class OperationText(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What the document says about an operation. `callers` replaces what the view's `needs` say."""

    summary: str
    description: str
    tag: str = ""
    callers: str = ""


class SchemaText(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What the document says about what a serializer reads or writes, and an example by canonical names."""

    description: str = ""
    example: dict[str, Any] | None = None


class Texts(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One openapi.toml: operations by operation id, schemas by class. `tag` is that of its operations."""

    tag: str = ""
    operations: dict[str, OperationText] = {}
    schemas: dict[str, SchemaText] = {}


def of_operation(module: str, operation_id: str) -> OperationText:
    """Return the text of an operation whose view, or description, is in `module`. Raises KeyError."""
    texts = _beside(module)
    text = texts.operations[operation_id]
    return text if text.tag else msgspec.structs.replace(text, tag=texts.tag)


def of_schema(serializer: type) -> SchemaText:
    """Return the text of a serializer, with the members that its base classes have in their examples."""
    found = [_beside(each.__module__).schemas.get(each.__name__) for each in serializer.__mro__]
    examples = [text.example for text in reversed(found) if text and text.example is not None]
    merged = {name: value for example in examples for name, value in example.items()}
    return SchemaText(found[0].description if found[0] else "", merged if examples else None)


@cache
def _beside(module: str) -> Texts:
    file = getattr(sys.modules[module], "__file__", None)
    path = Path(file).with_name("openapi.toml") if file else None
    return msgspec.toml.decode(path.read_bytes(), type=Texts) if path and path.exists() else Texts()
