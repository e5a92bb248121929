"""auth/oauth2/introspect: introspection for OAuth2 clients, who authenticate as at the token endpoint."""

from typing import Any

from drf_spectacular.utils import extend_schema
from oauthlib.oauth2.rfc6749.errors import InvalidClientError, InvalidRequestError
from rest_framework.request import Request
from rest_framework.response import Response

from access.principals import Principal
from audit.actors import Origin
from config.wire.errors import InvalidToken, NetworkNotAllowed
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
from oauth.protocol.parameters import FORM
from oauth.protocol.server import authenticated_client
from oauth.serializers import OAuth2RevocationRequest
from oauth.views import ProtocolView


class ClientIntrospectionRequest(OAuth2RevocationRequest):
    """The members of RFC 7662 section 2.1, and those with which clients authenticate."""


class ClientIntrospectionView(ProtocolView):
    """Describe an API key or access token to an OAuth2 client (RFC 7662).

    A client may ask about its own tokens. A machine client may also ask about every credential that its
    owner and its scopes let it introspect.
    """

    @extend_schema(
        operation_id="oauth2_introspect",
        request={FORM: ClientIntrospectionRequest},
        responses={200: Introspection, **REFUSALS},
    )
    def post(self, request: Request) -> Response:
        client = authenticated_client(request._request)
        if client is None:
            raise InvalidClientError
        token = request._request.POST.get("token")  # it is not repeated
        if not token:
            raise InvalidRequestError("The parameter token is missing.")  # type: ignore[no-untyped-call]
        origin = Origin.of(request._request)
        try:
            found = identify(token, "", origin)
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
