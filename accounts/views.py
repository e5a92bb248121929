"""The account endpoints: log in, refresh, log out, who am I."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import serializers
from accounts.callers import caller_of, principal_of_request
from accounts.models import User
from accounts.permissions import Needs
from accounts.services import sessions
from audit.actors import Origin
from config.errors import NotFound


class LoginView(APIView):
    """Log in with a user name or e-mail address and a password."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    resource = "login"

    @extend_schema(request=serializers.LoginRequest, responses=serializers.Login, operation_id="log_in")
    def post(self, request: Request) -> Response:
        sent = serializers.LoginRequest(data=request.data)
        sent.is_valid(raise_exception=True)
        logged_in = sessions.log_in(
            **sent.validated_data,
            origin=Origin.of(request._request),
            user_agent=request.headers.get("User-Agent", ""),
        )
        return Response(serializers.Login(logged_in).data)


class RefreshView(APIView):
    """Exchange a refresh token, once, for a new pair of tokens."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    resource = "refresh"

    @extend_schema(
        request=serializers.RefreshRequest, responses=serializers.TokenPairMember, operation_id="refresh"
    )
    def post(self, request: Request) -> Response:
        sent = serializers.RefreshRequest(data=request.data)
        sent.is_valid(raise_exception=True)
        pair = sessions.refresh(
            token=sent.validated_data["refresh_token"], origin=Origin.of(request._request)
        )
        return Response(serializers.TokenPairMember(pair).data)


class LogoutView(APIView):
    """End the session: its access token and its refresh token are dead at once."""

    needs: ClassVar[Needs] = {"post": "person"}

    @extend_schema(request=None, responses={204: None}, operation_id="log_out")
    def post(self, request: Request) -> Response:
        sessions.log_out(caller=caller_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class MeView(APIView):
    """The person whose token, or key, this is."""

    needs: ClassVar[Needs] = {"get": "authenticated"}
    resource = "me"

    @extend_schema(responses=serializers.Me, operation_id="me")
    def get(self, request: Request) -> Response:
        people = User.objects.prefetch_related("memberships__organization")
        user = people.filter(pk=principal_of_request(request).user_id or 0).first()
        if user is None:
            raise NotFound("This key belongs to an organization, not to a person.")
        return Response(serializers.Me(user).data)
