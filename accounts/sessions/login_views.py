"""Log in, refresh, log out."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access.callers import caller_of
from access.credentials import presented
from access.permissions import Needs
from accounts.mail.serializers import Message
from accounts.openapi import AccessTokenScheme
from accounts.sessions import refreshing, serializers
from accounts.sessions import services as sessions
from audit.actors import Origin
from config import profiles
from config.wire import requests
from config.wire.errors import NotAuthenticated
from config.wire.openapi.schema import Security, WireSchema
from config.wire.views import PublicView


class LoginView(PublicView):
    """Log in with a user name or e-mail address and a password."""

    resource = "login"

    @extend_schema(request=serializers.LoginRequest, responses=serializers.Login, operation_id="log_in")
    def post(self, request: Request) -> Response:
        sent = requests.parse_body(serializers.LoginRequest, request)
        logged_in = sessions.log_in(
            **sent,
            origin=Origin.of(request._request),
            user_agent=request.headers.get("User-Agent", ""),
        )
        return Response(serializers.Login(logged_in).data)


class RefreshView(PublicView):
    """Exchange a token for new ones: a refresh token, once, or the access token, as the profile decides."""

    resource = "refresh"

    @property
    def security(self) -> Security:
        """What the OpenAPI document says."""
        return [{AccessTokenScheme.name: []}] if _takes_access_token() else []

    @extend_schema(
        request=serializers.RefreshRequest, responses=serializers.TokenPairMember, operation_id="refresh"
    )
    def post(self, request: Request) -> Response:
        sent = requests.parse_body(serializers.RefreshRequest, request)
        origin = Origin.of(request._request)
        if _takes_access_token():
            pair = refreshing.renew(token=_bearer(request), origin=origin)
        else:
            pair = refreshing.refresh(token=sent["refresh_token"], origin=origin)
        return Response(serializers.TokenPairMember(pair).data)


def _takes_access_token() -> bool:
    return profiles.active().login.refresh_takes == "access_token"


def _bearer(request: Request) -> str:
    sent = presented(request._request)
    if sent is None or sent.is_key:
        raise NotAuthenticated
    return sent.secret


class LogoutSchema(WireSchema):
    """Describes what a logout answers: a message, if the profile has one."""

    def get_response_serializers(self) -> Any:
        return {200: Message} if _farewell() else {204: None}


class LogoutView(APIView):
    """End the session. Its access token and its refresh token stop working at once."""

    needs: ClassVar[Needs] = {"post": "person"}
    schema = LogoutSchema()

    @extend_schema(request=None, operation_id="log_out")
    def post(self, request: Request) -> Response:
        sessions.log_out(caller=caller_of(request))
        message = _farewell()
        return Response({"message": message}) if message else Response(status=status.HTTP_204_NO_CONTENT)


def _farewell() -> str | None:
    return profiles.active().wire.messages.get("logout")


class LogoutEverywhereView(APIView):
    """End all sessions of the caller, including this one."""

    needs: ClassVar[Needs] = {"post": "person"}

    @extend_schema(request=None, responses={204: None}, operation_id="log_out_everywhere")
    def post(self, request: Request) -> Response:
        sessions.log_out_everywhere(caller=caller_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)
