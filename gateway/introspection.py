"""POST /gateway/introspect: describe one credential (RFC 7662), or up to 100 at once."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from django.http import QueryDict
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework import serializers
from rest_framework.parsers import FormParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access.callers import principal_of_request
from access.credentials import ANYWHERE, OWN, Presented, is_foreign_like, is_key_like
from access.permissions import Needs
from access.principals import Principal
from apikeys.authentication import admit, known_key
from apikeys.usage import counting
from audit.actors import Origin
from config.profiles import Capability
from config.wire import requests
from config.wire.errors import Invalid, InvalidToken, NetworkNotAllowed
from config.wire.fields import BoundedListField, TextField
from config.wire.http.client_ip import canonical
from config.wire.members import RequestForm
from config.wire.parsers import StrictJSONParser
from gateway.check import authenticate

INACTIVE = {"active": False}
MOST_TOKENS = 100
TOKEN_TYPES = {"key": "api_key", "jwt": "access_token", "oauth2": "Bearer"}
TOKEN_TYPE_NAMES = sorted(TOKEN_TYPES.values())


def check_client_ip(text: str) -> None:
    """Raise Invalid for a text that is not an address."""
    if not canonical(text):
        raise Invalid("client_ip", "must be an IPv4 or IPv6 address")


class ClientAddress(RequestForm):
    client_ip = TextField(
        required=False,
        allow_blank=True,  # as if it were absent (RFC 6749 section 3.2)
        rule=check_client_ip,
        help_text="address that the token came from; without it, a key limited to networks is inactive",
    )


class IntrospectionRequest(ClientAddress):
    token = TextField(trim_whitespace=False)
    token_type_hint = TextField(
        required=False, allow_blank=True, help_text="ignored: a token's form tells its type"
    )


class BatchIntrospectionRequest(ClientAddress):
    tokens = BoundedListField(
        child=TextField(trim_whitespace=False),
        allow_empty=False,
        max_length=MOST_TOKENS,
        help_text="answered in the same order; in JSON only, and not together with token",
    )

    def faults_together(self, data: Mapping[str, Any]) -> Mapping[str, str]:
        return {"tokens": "cannot be sent together with token; send one of them"} if "token" in data else {}


class Introspection(serializers.Serializer[Any]):
    active = serializers.BooleanField()
    scope = serializers.CharField(required=False)
    token_type = serializers.ChoiceField(choices=TOKEN_TYPE_NAMES, required=False)
    sub = serializers.CharField(required=False)
    client_id = serializers.CharField(required=False)
    username = serializers.CharField(required=False)
    organization = serializers.CharField(required=False)
    jti = serializers.CharField(required=False)
    exp = serializers.IntegerField(required=False, help_text="seconds since 1970; absent if it never expires")


def _either(name: str, *forms: Any) -> PolymorphicProxySerializer:
    """Return a schema for one of several forms, which differ in their members."""
    return PolymorphicProxySerializer(name, serializers=forms, resource_type_field_name=None, many=False)


class IntrospectionView(APIView):
    """Describe an API key or access token. Invalid ones, and those the caller may not see, are inactive."""

    parser_classes = (FormParser, StrictJSONParser)
    renderer_classes = (JSONRenderer,)  # RFC 7662's form, whatever the profile's
    needs: ClassVar[Needs] = {"post": frozenset({Capability.INTROSPECT})}

    @extend_schema(
        operation_id="introspect",
        request={
            "application/json": _either(
                "IntrospectionOrBatch", IntrospectionRequest, BatchIntrospectionRequest
            ),
            "application/x-www-form-urlencoded": IntrospectionRequest,
        },
        responses=_either("IntrospectionOrList", Introspection, Introspection(many=True)),
    )
    def post(self, request: Request) -> Response:
        asker, origin = principal_of_request(request), Origin.of(request._request)
        if isinstance(request.data, dict) and "tokens" in request.data:
            sent = _many_tokens(request)
            address = _address(sent)
            return Response([introspect(asker, token, address, origin) for token in sent["tokens"]])
        sent = requests.parse_body(IntrospectionRequest, request)
        return Response(introspect(asker, sent["token"], _address(sent), origin))


def introspect(asker: Principal, token: str, client_ip: str, origin: Origin) -> dict[str, Any]:
    """Describe a token to the asker: INACTIVE unless it is valid and they may ask about it."""
    try:
        found = identify(token, client_ip, origin)
    except (InvalidToken, NetworkNotAllowed):
        return INACTIVE
    return tell(found, client_ip, origin) if may_ask_about(asker, found) else INACTIVE


def identify(token: str, client_ip: str, origin: Origin) -> Principal:
    """Return the owner of a credential that was sent from `client_ip`.

    Raises InvalidToken, or NetworkNotAllowed if the credential may not be used from there.
    """
    is_foreign = is_foreign_like(token)
    if not (is_foreign or is_key_like(token)):
        return authenticate(Presented(token, is_key=False), origin)
    sent = Presented(token, is_key=True, place=ANYWHERE if is_foreign else OWN)
    return admit(known_key(sent, origin), replace(origin, ip=client_ip))


def tell(found: Principal, client_ip: str, origin: Origin) -> dict[str, Any]:
    """Count the use of a valid credential and describe it.

    Introspection of a key counts as a use, but not against its rate limit.
    """
    counting.record_use(found.credential.number, replace(origin, ip=client_ip))
    return describe(found)


def _address(sent: dict[str, Any]) -> str:
    return canonical(sent.get("client_ip", ""))


def _many_tokens(request: Request) -> dict[str, Any]:
    if isinstance(request.data, QueryDict):
        raise Invalid("tokens", "is accepted in JSON only")
    return requests.parse_body(BatchIntrospectionRequest, request)


def may_ask_about(asker: Principal, found: Principal) -> bool:
    """Whether the asker may introspect everything, or the organization that the credential acts in."""
    return asker.may(Capability.INTROSPECT, found.organization_id)


def describe(principal: Principal) -> dict[str, Any]:
    """Return the members of RFC 7662 section 2.2 for a valid credential."""
    credential = principal.credential
    members: dict[str, Any] = {
        "active": True,
        "token_type": TOKEN_TYPES[credential.kind],
        "sub": principal.subject,
        "username": principal.label,
        "jti": credential.id,
    }
    if principal.scopes:
        members["scope"] = " ".join(sorted(principal.scopes))
    if credential.client:
        members["client_id"] = credential.client
    if principal.organization:
        members["organization"] = principal.organization
    if credential.expires_at is not None:
        members["exp"] = int(credential.expires_at.timestamp())
    return members
