"""The endpoint that changes the caller's password."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access.callers import caller_of
from access.permissions import Needs
from accounts.users import serializers
from accounts.users.profile import services as profile
from config.wire import requests


class ChangePasswordView(APIView):
    """Change the caller's password, with the current one. The caller's other sessions end."""

    needs: ClassVar[Needs] = {"post": "person"}
    resource = "password"

    @extend_schema(
        request=serializers.ChangePasswordRequest, responses={204: None}, operation_id="change_password"
    )
    def post(self, request: Request) -> Response:
        sent = requests.parse_body(serializers.ChangePasswordRequest, request)
        profile.change_own_password(
            caller=caller_of(request),
            current=sent["current_password"],
            new=sent["new_password"],
        )
        return Response(status=status.HTTP_204_NO_CONTENT)
