"""auth/oauth2/introspect: introspection for OAuth2 clients, who say who they are as at the token endpoint."""

from drf_spectacular.utils import extend_schema
from oauthlib.oauth2.rfc6749.errors import OAuth2Error
from rest_framework.parsers import FormParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import OAuthClient
from accounts.oauth.authentication import principal_of_machine
from accounts.oauth.server import authenticated_client
from accounts.principals import Principal
from audit.actors import Origin
from config.errors import InvalidToken, NetworkNotAllowed
from config.problems import realm
from config.views import PublicView
from gateway.introspection import (
    INACTIVE,
    Introspection,
    IntrospectionRequest,
    identify,
    may_ask_about,
    tell,
)


class ClientIntrospectionView(PublicView):
    """Describe a key or an access token to a client (RFC 7662).

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
        return Response(tell(found, "", origin) if client_may_ask_about(client, found) else INACTIVE)


def client_may_ask_about(client: OAuthClient, found: Principal) -> bool:
    """Whether it is the client's own token, or the client is a machine that may introspect it."""
    if found.credential.client == client.client_id:
        return True
    machine = principal_of_machine(client)
    return machine is not None and may_ask_about(machine, found)
