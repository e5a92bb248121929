"""OAuth2 in the OpenAPI document: access tokens, and the errors of clients."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers

from access.permissions import scopes_of_programs
from config import profiles
from config.wire.openapi.schema import PROBLEM_REFERENCE
from config.wire.problems import MEDIA_TYPE
from oauth.protocol.scopes import catalogue


class OAuth2Scheme(OpenApiAuthenticationExtension):
    """The access token with the scopes that an operation needs; nothing if the profile has no OAuth2."""

    target_class = "oauth.authentication.OAuth2Authentication"

    @property
    def name(self) -> list[str]:  # type: ignore[override]
        return ["oauth2"] if profiles.active().oauth2 is not None else []

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[str]]]:
        scopes = scopes_of_programs(auto_schema.view, auto_schema.method)
        if scopes is None:
            return []
        return [{name: [*scopes, *getattr(auto_schema.view, "scopes_of_clients", ())]} for name in self.name]

    def get_security_definition(self, auto_schema: object) -> list[dict[str, Any]]:
        ends = {"tokenUrl": f"{profiles.active().base_path}/auth/oauth2/token", "scopes": catalogue()}
        asks = {"authorizationUrl": f"{profiles.active().base_path}/auth/oauth2/authorize"}
        return [{"type": "oauth2", "flows": {"authorizationCode": asks | ends, "clientCredentials": ends}}]


class OAuth2Error(serializers.Serializer[Any]):
    """Why a request of a client is refused (RFC 6749 section 5.2)."""

    error = serializers.CharField(help_text="a code of RFC 6749, RFC 7009 or RFC 7662")
    error_description = serializers.CharField(required=False)


REFUSALS = {
    (400, "application/json"): OpenApiResponse(OAuth2Error, "The request is wrong"),
    (400, MEDIA_TYPE): OpenApiResponse(PROBLEM_REFERENCE, "The form cannot be read"),
    (401, "application/json"): OpenApiResponse(OAuth2Error, "The client is not authenticated"),
}
