"""The OAuth2 access token as an authentication scheme of the OpenAPI document."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from config import profiles
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
