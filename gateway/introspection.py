"""POST /gateway/introspect: what is this credential, and is it good? (RFC 7662)"""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import FormParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.callers import principal_of_request
from accounts.credentials import Presented, is_key_like
from accounts.models import OAuthClient
from accounts.oauth.authentication import principal_of_machine
from accounts.oauth.server import authenticated_client
from accounts.permissions import Needs
from accounts.principals import Principal
from audit.actors import Origin
from config import profiles, received
from config.errors import Invalid, InvalidToken
from config.parsers import StrictJSONParser
from config.profiles import Capability
from config.views import PublicView
from config.wire import TextField
from gateway.decision import authenticate

INACTIVE = {"active": False}
TOKEN_TYPES = {"key": "api_key", "jwt": "access_token", "oauth2": "Bearer"}


class IntrospectionRequest(serializers.Serializer[Any]):
    token = TextField(trim_whitespace=False)
    token_type_hint = TextField(required=False, help_text="not needed: a token says itself what it is")


class Introspection(serializers.Serializer[Any]):
    active = serializers.BooleanField()
    scope = serializers.CharField(required=False)
    token_type = serializers.ChoiceField(choices=sorted(TOKEN_TYPES.values()), required=False)
    sub = serializers.CharField(required=False)
    client_id = serializers.CharField(required=False)
    username = serializers.CharField(required=False)
    organization = serializers.CharField(required=False)
    jti = serializers.CharField(required=False)
    exp = serializers.IntegerField(required=False, help_text="seconds since 1970, absent if it never ends")


class IntrospectionView(APIView):
    """Describe a key or an access token. Whatever is not good, or not one's to ask about, is inactive."""

    parser_classes = (FormParser, StrictJSONParser)
    renderer_classes = (JSONRenderer,)  # RFC 7662's form, whatever the profile's
    needs: ClassVar[Needs] = {"post": frozenset({Capability.INTROSPECT})}

    @extend_schema(operation_id="introspect", request=IntrospectionRequest, responses=Introspection)
    def post(self, request: Request) -> Response:
        token = _one_token(request)
        asker = principal_of_request(request)
        found = look_up(token, Origin.of(request._request))
        return Response(describe(found) if found and may_ask_about(asker, found) else INACTIVE)


class ClientIntrospectionView(PublicView):
    """The same for OAuth2 clients, who say who they are as at the token endpoint.

    A client may ask about tokens that it was given; one that is a machine also about what its owner and
    its scopes let it introspect.
    """

    parser_classes = (FormParser,)
    renderer_classes = (JSONRenderer,)

    @extend_schema(
        operation_id="oauth2_introspect",
        request={"application/x-www-form-urlencoded": IntrospectionRequest},
        responses=Introspection,
    )
    def post(self, request: Request) -> Response:
        client = authenticated_client(request._request)
        if client is None:
            headers = {"WWW-Authenticate": f'Basic realm="{profiles.active().product.name}"'}
            return Response({"error": "invalid_client"}, status=401, headers=headers)
        values = request._request.POST.getlist("token")
        if len(values) != 1 or not values[0]:
            return Response({"error": "invalid_request"}, status=400)
        found = look_up(values[0], Origin.of(request._request))
        is_allowed = found is not None and client_may_ask_about(client, found)
        return Response(describe(found) if found and is_allowed else INACTIVE)


def look_up(token: str, origin: Origin) -> Principal | None:
    """Return whose credential this is, of whatever kind, or None."""
    try:
        return authenticate(Presented(token, is_key=is_key_like(token)), origin)
    except InvalidToken:
        return None


def client_may_ask_about(client: OAuthClient, found: Principal) -> bool:
    """Whether it is the client's own token, or the client is a machine that may introspect it."""
    if found.credential.client == client.client_id:
        return True
    machine = principal_of_machine(client)
    return machine is not None and may_ask_about(machine, found)


def _one_token(request: Request) -> str:
    if hasattr(request.data, "getlist") and len(request.data.getlist("token")) > 1:
        raise Invalid("token", "stands in the request twice")
    token: str = received.body(IntrospectionRequest, request)["token"]
    return token


def may_ask_about(asker: Principal, found: Principal) -> bool:
    """Whether the asker may introspect everything, or the organization that the credential acts in."""
    return asker.may(Capability.INTROSPECT, found.organization_id)


def describe(principal: Principal) -> dict[str, Any]:
    """Return the members of RFC 7662 section 2.2 for a good credential."""
    credential = principal.credential
    members: dict[str, Any] = {
        "active": True,
        "scope": " ".join(sorted(principal.scopes)),
        "token_type": TOKEN_TYPES[credential.kind],
        "sub": principal.subject,
        "username": principal.label,
        "jti": credential.id,
    }
    if credential.client:
        members["client_id"] = credential.client
    if principal.organization:
        members["organization"] = principal.organization
    if credential.expires_at is not None:
        members["exp"] = int(credential.expires_at.timestamp())
    return members
