"""OAuth2 in the OpenAPI document: access tokens, and the errors of clients."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers

from config import profiles
from config.wire.openapi.schema import PROBLEM_REFERENCE
from config.wire.problems import MEDIA_TYPE
from oauth.protocol.scopes import catalogue


class OAuth2Scheme(OpenApiAuthenticationExtension):
    target_class = "oauth.authentication.OAuth2Authentication"
    name = "oauth2"

    def get_security_definition(self, auto_schema: object) -> dict[str, Any]:
        """Return the OAuth2 flows if the profile enables them, else a plain Bearer scheme."""
        if profiles.active().oauth2 is None:
            return {"type": "http", "scheme": "bearer"}
        ends = {"tokenUrl": f"{profiles.active().base_path}/auth/oauth2/token", "scopes": catalogue()}
        asks = {"authorizationUrl": f"{profiles.active().base_path}/auth/oauth2/authorize"}
        return {"type": "oauth2", "flows": {"authorizationCode": asks | ends, "clientCredentials": ends}}


class OAuth2Error(serializers.Serializer[Any]):
    """Why a request of a client is refused (RFC 6749 section 5.2)."""

    error = serializers.CharField(help_text="a code of RFC 6749, RFC 7009 or RFC 7662")
    error_description = serializers.CharField(required=False)


REFUSALS = {
    (400, "application/json"): OpenApiResponse(OAuth2Error, "The request is wrong"),
    (400, MEDIA_TYPE): OpenApiResponse(PROBLEM_REFERENCE, "The form cannot be read"),
    (401, "application/json"): OpenApiResponse(OAuth2Error, "The client is not authenticated"),
}
