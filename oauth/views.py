"""The OAuth2 endpoints that programs call. They follow the RFCs, not the wire format of the profile."""

import json
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from drf_spectacular.utils import extend_schema, extend_schema_view
from oauthlib.oauth2.rfc6749.errors import InvalidClientError, InvalidRequestError, OAuth2Error
from rest_framework import status
from rest_framework.mixins import ListModelMixin
from rest_framework.parsers import FormParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access.callers import caller_of, principal_of_request
from access.permissions import Needs
from accounts.models import User
from accounts.signing import keys as signing
from audit.actors import Origin
from config import profiles
from config.wire.errors import InsufficientScope, InvalidToken, NotFound
from config.wire.http.challenges import realm
from config.wire.openapi.schema import Security
from config.wire.views import PublicView, ResourceViewSet
from oauth import serializers
from oauth.models import Consent, ConsentQuerySet
from oauth.openapi import REFUSALS
from oauth.protocol import claims, user_codes
from oauth.protocol.parameters import FORM, PROMPTS
from oauth.protocol.scopes import catalogue
from oauth.protocol.server import GRANT_TYPES, Protocol, device_asked
from oauth.services import consents, devices

READ = {FORM, "multipart/form-data"}  # Django reads both, and no other form
CACHED = {"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"}


class ProtocolView(PublicView):
    """An endpoint of RFC 6749 and its extensions; clients authenticate as in section 2.3."""

    parser_classes = (FormParser,)
    renderer_classes = (JSONRenderer,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.stream is not None and request._request.content_type not in READ:
            raise InvalidRequestError(f"Send the parameters as {FORM}.")

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, OAuth2Error):
            return self.answer(exc.headers, exc.json, exc.status_code)
        return super().handle_exception(exc)

    def answer(self, headers: dict[str, str], body: str | None, code: int) -> Response:
        """Return an answer of oauthlib's; a 401 tells the client how to authenticate."""
        kept = {name: value for name, value in headers.items() if name != "Content-Type"}
        if code == status.HTTP_401_UNAUTHORIZED:
            kept["WWW-Authenticate"] = f"Basic {realm()}"
        document = json.loads(body) if body else None
        if document and document.get("scope") == "":  # RFC 6749 section 3.3: a scope has at least one name
            del document["scope"]
        return Response(document, status=code, headers=kept)


class TokenView(ProtocolView):
    """Issue tokens to a client for a code, for a refresh token, or for itself (a machine)."""

    @extend_schema(
        operation_id="oauth2_token",
        request={FORM: serializers.OAuth2TokenRequest},
        responses={200: serializers.OAuth2Tokens, **REFUSALS},
    )
    def post(self, request: Request) -> Response:
        with transaction.atomic():  # keeps the code or token locked from its check until it is spent
            _, headers, body, code = Protocol(request._request).create_token_response(request._request)
        return self.answer(headers, body, code)


class DeviceAuthorizationView(ProtocolView):
    """Give a device a code that its person types at /device (RFC 8628 section 3.1)."""

    @extend_schema(
        operation_id="oauth2_device_authorization",
        request={FORM: serializers.DeviceRequest},
        responses={200: serializers.DeviceCodes, **REFUSALS},
    )
    def post(self, request: Request) -> Response:
        asked = device_asked(request._request)
        try:
            new = devices.ask(client=asked.client, scopes=asked.scopes, origin=Origin.of(request._request))
        except NotFound:  # the client was just deleted
            raise InvalidClientError from None
        code, page = user_codes.shown(new.user_code), f"{settings.PUBLIC_URL}{reverse('device-page')}"
        return Response(
            {
                "device_code": new.device_code,
                "user_code": code,
                "verification_uri": page,
                "verification_uri_complete": f"{page}?{urlencode({'user_code': code})}",
                "expires_in": int(devices.LIFETIME.total_seconds()),
                "interval": new.row.interval,
            }
        )


class RevokeView(ProtocolView):
    """Revoke a token, and all other tokens of the same consent (RFC 7009)."""

    @extend_schema(
        operation_id="oauth2_revoke",
        request={FORM: serializers.OAuth2RevocationRequest},
        responses={200: None, **REFUSALS},
    )
    def post(self, request: Request) -> Response:
        _, headers, body, code = Protocol(request._request).create_revocation_response(request._request)
        return self.answer(headers, body, code)


class UserInfoView(APIView):
    """The claims about the person whom the access token acts for (OpenID Connect Core section 5.3)."""

    needs: ClassVar[Needs] = {"get": "authenticated", "post": "authenticated"}
    security: ClassVar[Security] = [{"oauth2": ["openid"]}]
    renderer_classes = (JSONRenderer,)

    @extend_schema(operation_id="userinfo", responses=serializers.UserInfo)
    def get(self, request: Request) -> Response:
        principal = principal_of_request(request)
        if "openid" not in principal.credential.identity_scopes:
            raise InsufficientScope(["openid"])
        user = User.objects.filter(pk=principal.user_id or 0).first()
        if user is None:  # deleted meanwhile
            raise InvalidToken
        return Response(claims.of_person(user, principal))

    @extend_schema(operation_id="userinfo_by_post", request=None, responses=serializers.UserInfo)
    def post(self, request: Request) -> Response:
        return self.get(request)


class MetadataView(PublicView):
    """The addresses and features of this provider, for clients (RFC 8414, OpenID Connect Discovery)."""

    renderer_classes = (JSONRenderer,)

    @extend_schema(operation_id="oauth2_metadata", responses=serializers.OAuth2Metadata)
    def get(self, request: Request) -> Response:
        return Response(metadata(), headers=CACHED)


class OpenIdView(MetadataView):
    """The same document, at the path of OpenID Connect Discovery."""

    @extend_schema(operation_id="openid_configuration", responses=serializers.OAuth2Metadata)
    def get(self, request: Request) -> Response:
        return super().get(request)


class KeysView(PublicView):
    """The public keys that verify ID tokens and login tokens (RFC 7517)."""

    renderer_classes = (JSONRenderer,)

    @extend_schema(operation_id="jwks", responses=serializers.JsonWebKeySet)
    def get(self, request: Request) -> Response:
        return Response({"keys": signing.public_keys()}, headers=CACHED)


def metadata() -> dict[str, Any]:
    """Return the content of both metadata documents."""
    policy = profiles.active().oauth2
    methods = ["client_secret_basic", "client_secret_post"]
    return {
        "issuer": settings.PUBLIC_URL,
        "authorization_endpoint": _address("authorize"),
        "token_endpoint": _address("token"),
        "device_authorization_endpoint": _address("device-authorization"),
        "revocation_endpoint": _address("revoke"),
        "introspection_endpoint": _address("introspect"),
        "userinfo_endpoint": _address("userinfo"),
        "end_session_endpoint": _address("logout"),
        "jwks_uri": _address("jwks"),
        "scopes_supported": list(catalogue()),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANT_TYPES),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [policy.id_token_algorithm] if policy else [],
        "token_endpoint_auth_methods_supported": [*methods, "none"],
        "revocation_endpoint_auth_methods_supported": [*methods, "none"],
        "introspection_endpoint_auth_methods_supported": methods,
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": list(claims.SUPPORTED),
        "prompt_values_supported": sorted(PROMPTS),
        "authorization_response_iss_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }


def _address(name: str) -> str:
    return f"{settings.PUBLIC_URL}{reverse(f'oauth2-{name}')}"


@extend_schema_view(list=extend_schema(operation_id="list_consents"))
class ConsentViewSet(ListModelMixin, ResourceViewSet[Consent]):
    """The caller's consents to OAuth2 clients."""

    resource = "consent"
    queryset = Consent.objects.none()
    serializer_class = serializers.ConsentMember
    list_query = serializers.ConsentQuery
    needs: ClassVar[Needs] = {"list": "person", "destroy": "person"}

    def get_queryset(self) -> ConsentQuerySet:
        now = Origin.of(self.request._request).at
        own = Consent.objects.live(now).filter(user_id=principal_of_request(self.request).user_id or 0)
        return own.select_related("client")

    @extend_schema(operation_id="withdraw_consent", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        consents.withdraw_consent(caller=caller_of(request), consent=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)
