"""How the OpenAPI document names our authentication."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from accounts.oauth.scopes import catalogue
from config import profiles


class OAuth2Scheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "accounts.oauth.authentication.OAuth2Authentication"
    name = "oauth2"

    def get_security_definition(self, auto_schema: object) -> dict[str, Any]:
        """The flows, where the profile has them; else a Bearer token that nobody gets."""
        if profiles.active().oauth2 is None:
            return {"type": "http", "scheme": "bearer"}
        ends = {"tokenUrl": f"{profiles.active().base_path}/auth/oauth2/token", "scopes": catalogue()}
        asks = {"authorizationUrl": f"{profiles.active().base_path}/auth/oauth2/authorize"}
        return {"type": "oauth2", "flows": {"authorizationCode": asks | ends, "clientCredentials": ends}}


class AccessTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "accounts.sessions.authentication.AccessTokenAuthentication"
    name = "access_token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
