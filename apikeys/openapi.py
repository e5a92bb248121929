"""Describes API key authentication, and the owner of keys in a query, in the OpenAPI document."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerFieldExtension

from access.permissions import scopes_of_programs
from apikeys.attributes import (
    MOST_PAIRS,
    NAME_LENGTH,
    VALUE_LENGTH,
    check_metadata_changes,
    clean_metadata,
)
from apikeys.services import api_keys
from config import profiles
from config.wire.openapi.fields import describe_rule, describe_words, id_schema

Scheme = dict[str, str]


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The ways in which the profile lets clients send a key; each is enough.

    An operation names the first of them alone. Generated clients fill in all schemes of an operation at once,
    and two credentials are refused. The description of the first names the others.
    """

    target_class = "apikeys.authentication.ApiKeyAuthentication"

    @property
    def name(self) -> list[str]:  # type: ignore[override]
        return list(_schemes())

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[str]]]:
        takes_programs = scopes_of_programs(auto_schema.view, auto_schema.method) is not None
        takes_keys = takes_programs and profiles.active().keys.at_own_endpoints
        return [{name: []} for name in self.name[:1]] if takes_keys else []

    def get_security_definition(self, auto_schema: object) -> list[Scheme]:
        return list(_schemes().values())


def _schemes() -> dict[str, Scheme]:
    """Return the security schemes, by name: the one that operations name is first."""
    keys = profiles.active().keys
    header = {"type": "apiKey", "in": "header", "name": keys.header, "description": "An API key."}
    if not keys.bearer:
        schemes = {"api_key": header}
    else:
        others = [f"in the header {keys.header}"] * bool(keys.header) + ["as a Basic password"] * keys.basic
        ways = f" It may also be sent {' or '.join(others)}." if others else ""
        schemes = {"api_key": {"type": "http", "scheme": "bearer", "description": f"An API key.{ways}"}}
        schemes |= {"api_key_in_header": header} if keys.header else {}
    if keys.basic:
        description = "The key is the password; the user name is ignored."
        schemes["api_key_as_password"] = {"type": "http", "scheme": "basic", "description": description}
    return schemes


class OwnerFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "apikeys.filters.OwnerField"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        return {"anyOf": [id_schema("user"), {"type": "string", "enum": [self.target.ME]}]}


def _number_of_scopes() -> dict[str, int]:
    """Say how many scopes a key may have, and must have: none if the profile has none."""
    profile = profiles.active()
    if not profile.scopes:
        return {"maxItems": 0}
    return {"minItems": 1} if profile.keys.scopes_required else {}


describe_rule(api_keys.check_scopes, _number_of_scopes)
describe_words(
    api_keys.check_scopes,
    "ScopeName",
    lambda: {name: scope.description for name, scope in profiles.active().scopes.items()},
)
describe_words(
    api_keys.check_environment, "Environment", lambda: dict.fromkeys(profiles.active().keys.environments, "")
)
NAMES = {"minLength": 1, "maxLength": NAME_LENGTH, "pattern": "^[^=]+$"}
describe_rule(
    clean_metadata,
    lambda: {
        "maxProperties": MOST_PAIRS,
        "propertyNames": NAMES,
        "additionalProperties": {"type": "string", "maxLength": VALUE_LENGTH},
    },
)
describe_rule(
    check_metadata_changes,
    lambda: {
        "propertyNames": NAMES,
        "additionalProperties": {"type": ["string", "null"], "maxLength": VALUE_LENGTH},
    },
)
