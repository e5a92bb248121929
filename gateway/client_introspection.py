"""auth/oauth2/introspect: introspection for OAuth2 clients, who authenticate as at the token endpoint."""

from typing import Any

from drf_spectacular.utils import extend_schema
from oauthlib.oauth2.rfc6749.errors import OAuth2Error
from rest_framework.parsers import FormParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from access.principals import Principal
from audit.actors import Origin
from config.wire.errors import InvalidToken, NetworkNotAllowed
from config.wire.http.challenges import realm
from config.wire.views import PublicView
from gateway.introspection import (
    INACTIVE,
    Introspection,
    identify,
    may_ask_about,
    tell,
)
from oauth.authentication import principal_of_machine
from oauth.models import OAuthClient
from oauth.openapi import REFUSALS
from oauth.protocol.server import authenticated_client
from oauth.serializers import OAuth2RevocationRequest


class ClientIntrospectionRequest(OAuth2RevocationRequest):
    """The members of RFC 7662 section 2.1, and those with which clients authenticate."""


class ClientIntrospectionView(PublicView):
    """Describe an API key or access token to an OAuth2 client (RFC 7662).

    A client may ask about its own tokens. A machine client may also ask about every credential that its
    owner and its scopes let it introspect.
    """

    parser_classes = (FormParser,)
    renderer_classes = (JSONRenderer,)

    @extend_schema(
        operation_id="oauth2_introspect",
        request={"application/x-www-form-urlencoded": ClientIntrospectionRequest},
        responses={200: Introspection, **REFUSALS},
    )
    def post(self, request: Request) -> Response:
        try:
            client = authenticated_client(request._request)
        except OAuth2Error as error:
            return Response(dict(error.twotuples), status=error.status_code)
        if client is None:
            headers = {"WWW-Authenticate": f"Basic {realm()}"}
            return Response({"error": "invalid_client"}, status=401, headers=headers)
        values = request._request.POST.getlist("token")
        if len(values) != 1 or not values[0]:
            return Response({"error": "invalid_request"}, status=400)
        origin = Origin.of(request._request)
        try:
            found = identify(values[0], "", origin)
        except (InvalidToken, NetworkNotAllowed):
            return Response(INACTIVE)
        return Response(tell_client(client, found, origin))


def tell_client(client: OAuthClient, found: Principal, origin: Origin) -> dict[str, Any]:
    """Describe a credential to a machine client that may introspect it, or its own token to any client.

    Introspecting its own token tells a client no more than using the token would.
    """
    machine = principal_of_machine(client)
    if machine is not None and may_ask_about(machine, found):
        return tell(found, "", origin)
    if found.credential.client != client.client_id:
        return INACTIVE
    described = tell(found, "", origin)
    if not _may_name(found):
        del described["username"]
    return described


def _may_name(found: Principal) -> bool:
    """Whether the credential's scopes let its client know the person's name."""
    wanted = "email" if "@" in found.label else "profile"  # user names contain no @
    return found.user_id is None or wanted in found.credential.identity_scopes
