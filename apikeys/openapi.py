"""Describes API key authentication, and the owner of keys in a query, in the OpenAPI document."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerFieldExtension

from config import profiles
from config.wire.openapi.fields import id_schema

Scheme = dict[str, str]


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The ways in which the profile lets clients send a key; each is enough."""

    target_class = "apikeys.authentication.ApiKeyAuthentication"

    @property
    def name(self) -> list[str]:  # type: ignore[override]
        return list(_schemes())

    def get_security_requirement(self, auto_schema: object) -> list[dict[str, list[str]]]:
        return [{name: []} for name in _schemes()]

    def get_security_definition(self, auto_schema: object) -> list[Scheme]:
        return list(_schemes().values())


def _schemes() -> dict[str, Scheme]:
    """Return the security schemes, by name."""
    keys = profiles.active().keys
    schemes = {}
    if keys.header:
        schemes["api_key"] = {"type": "apiKey", "in": "header", "name": keys.header}
    elif keys.bearer:
        schemes["api_key"] = {"type": "http", "scheme": "bearer"}
    if keys.basic:
        description = "The key is the password; the user name is ignored."
        schemes["api_key_as_password"] = {"type": "http", "scheme": "basic", "description": description}
    return schemes


class OwnerFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "apikeys.filters.OwnerField"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        return {"anyOf": [id_schema("user"), {"type": "string", "enum": [self.target.ME]}]}
