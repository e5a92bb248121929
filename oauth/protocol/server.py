"""oauthlib's endpoints with the grants that Keyhouse supports; one server for each request."""

from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.http import HttpRequest
from oauth2_provider.oauth2_backends import OAuthLibCore
from oauthlib.common import Request as OAuthRequest
from oauthlib.oauth2.rfc6749.endpoints.authorization import AuthorizationEndpoint
from oauthlib.oauth2.rfc6749.endpoints.revocation import RevocationEndpoint
from oauthlib.oauth2.rfc6749.endpoints.token import TokenEndpoint
from oauthlib.oauth2.rfc6749.errors import InvalidRequestError, UnsupportedGrantTypeError
from oauthlib.oauth2.rfc6749.grant_types.authorization_code import AuthorizationCodeGrant as OAuth2CodeGrant
from oauthlib.oauth2.rfc6749.grant_types.client_credentials import ClientCredentialsGrant
from oauthlib.oauth2.rfc6749.grant_types.refresh_token import RefreshTokenGrant
from oauthlib.oauth2.rfc6749.tokens import BearerToken
from oauthlib.oauth2.rfc8628.grant_types.device_code import DeviceCodeGrant
from oauthlib.openid.connect.core.grant_types.authorization_code import AuthorizationCodeGrant

from audit.actors import Origin
from oauth.models import OAuthClient
from oauth.protocol import parameters, tokens
from oauth.protocol.parameters import check_authorization, check_once
from oauth.protocol.validator import DEVICE_GRANT, Validator

GRANT_TYPES = ("authorization_code", "client_credentials", "refresh_token", DEVICE_GRANT)
CODES = frozenset({"code", "device_code"})


class Codes(OAuth2CodeGrant):
    """oauthlib's grant, with prefixed codes."""

    def create_authorization_code(self, request: Any) -> dict[str, str]:
        state = {"state": request.state} if request.state else {}
        return {"code": tokens.new(tokens.CODE), **state}


class CodeGrant(AuthorizationCodeGrant):
    """OpenID Connect's grant around Codes; without the scope `openid` it is plain OAuth2."""

    def __init__(self, validator: Validator) -> None:
        self.proxy_target = Codes(validator)
        self.custom_validators.pre_auth += [check_once, check_authorization]
        self.register_token_modifier(self.add_id_token)


class DeviceGrant(DeviceCodeGrant):
    """oauthlib's grant, which would give all scopes of the client if none of the granted ones is left."""

    def validate_scopes(self, request: OAuthRequest) -> None:
        """Do nothing: the validator has set the scopes that the person granted."""


class Server(AuthorizationEndpoint, TokenEndpoint, RevocationEndpoint):
    """The grants of GRANT_TYPES, without the implicit and password grants."""

    def __init__(self, validator: Validator) -> None:
        code = CodeGrant(validator)
        others = [kind(validator) for kind in (ClientCredentialsGrant, RefreshTokenGrant, DeviceGrant)]
        bearer = BearerToken(
            validator,
            lambda request: tokens.new(tokens.ACCESS),
            validator.lifetime,
            lambda request: tokens.new(tokens.REFRESH),
        )
        AuthorizationEndpoint.__init__(self, "code", bearer, {"code": code})
        grants = dict(zip(GRANT_TYPES, [code, *others], strict=True))
        TokenEndpoint.__init__(self, "authorization_code", bearer, grants)
        RevocationEndpoint.__init__(self, validator)

    def validate_token_request(self, request: OAuthRequest) -> None:
        """Refuse a missing or unsupported grant_type. Raises OAuth2Error (RFC 6749 section 5.2)."""
        check_once(request)
        if request.grant_type is None:
            raise InvalidRequestError("The parameter grant_type is missing.", request=request)
        if request.grant_type not in GRANT_TYPES:
            known = ", ".join(GRANT_TYPES)
            raise UnsupportedGrantTypeError(f"grant_type must be one of {known}.", request=request)
        super().validate_token_request(request)

    def validate_revocation_request(self, request: OAuthRequest) -> None:
        check_once(request)
        super().validate_revocation_request(request)


class Protocol(OAuthLibCore):
    """django-oauth-toolkit's adapter from a Django request to oauthlib."""

    def __init__(self, request: HttpRequest) -> None:
        self.validator = Validator(Origin.of(request))
        super().__init__(Server(self.validator))

    def _get_escaped_full_path(self, request: HttpRequest) -> str:
        """Return the address with its query encoded as oauthlib expects it."""
        return f"{request.path}?{request.GET.urlencode()}"

    def extract_body(self, request: HttpRequest) -> list[tuple[str, str]]:
        """Return every value, so that oauthlib sees repetitions; replace codes by their digests."""
        sent = parameters.of_token_request(request.POST.lists())
        return [(name, tokens.digest(value) if name in CODES else value) for name, value in sent]

    def sent(self, request: HttpRequest) -> OAuthRequest:
        """Return the request as oauthlib reads it. Raises InvalidRequestError for a repeated parameter."""
        uri, method, body, headers = self._extract_params(request)
        sent = OAuthRequest(uri, method, body, headers)
        check_once(sent)
        return sent


class DeviceAsked(NamedTuple):
    """What a device asks for: its client, and the scopes."""

    client: OAuthClient
    scopes: list[str]


def device_asked(request: HttpRequest) -> DeviceAsked:
    """Return what a request to the device authorization endpoint asks for (RFC 8628 section 3.1).

    Clients authenticate as at the token endpoint. Raises OAuth2Error.
    """
    protocol = Protocol(request)
    sent: Any = protocol.sent(request)
    sent.grant_type, sent.scopes = DEVICE_GRANT, None  # whatever parameters have these names
    grant = DeviceCodeGrant(protocol.validator)
    grant.validate_client_authentication(sent)
    grant.validate_grant_type(sent)
    grant.validate_scopes(sent)
    return DeviceAsked(sent.client, sent.scopes)


def authenticated_client(request: HttpRequest) -> OAuthClient | None:
    """Return the confidential client that authenticates with its secret in this request, or None.

    Raises OAuth2Error for a request that has the secret in two places or repeats a parameter.
    """
    protocol = Protocol(request)
    sent = protocol.sent(request)
    is_good = protocol.validator.authenticate_client(sent)
    return sent.client if is_good else None


def with_issuer(uri: str) -> str:
    """Return the address of an answer to a client with the parameter `iss` (RFC 9207)."""
    parts = urlsplit(uri)
    query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "iss"]
    return urlunsplit(parts._replace(query=urlencode([*query, ("iss", settings.PUBLIC_URL)])))
