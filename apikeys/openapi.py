"""Describes API key authentication in the OpenAPI document."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from config import profiles


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "apikeys.authentication.ApiKeyAuthentication"
    name = "api_key"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "apiKey", "in": "header", "name": profiles.active().keys.header}
