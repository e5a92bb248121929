"""The endpoints of the second factor: add, confirm and remove it, and replace the recovery codes."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access.callers import caller_of
from access.permissions import Needs
from accounts.second_factor import serializers
from accounts.second_factor import services as second_factor
from config.wire import requests


class TotpView(APIView):
    """The caller's own authenticator app."""

    needs: ClassVar[Needs] = {"post": "person", "delete": "person"}
    resource = "totp"

    @extend_schema(
        request=serializers.BeginTotpRequest, responses=serializers.TotpEnrolment, operation_id="begin_totp"
    )
    def post(self, request: Request) -> Response:
        sent = requests.parse_body(serializers.BeginTotpRequest, request)
        enrolment = second_factor.begin_enrolment(caller=caller_of(request), password=sent["password"])
        return Response(serializers.TotpEnrolment(enrolment).data)

    @extend_schema(request=serializers.TotpProofRequest, responses={204: None}, operation_id="remove_totp")
    def delete(self, request: Request) -> Response:
        sent = requests.parse_body(serializers.TotpProofRequest, request)
        second_factor.remove_own_second_factor(
            caller=caller_of(request), password=sent["password"], code=sent["code"]
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class ConfirmTotpView(APIView):
    """Confirm the authenticator app with one of its codes. The answer contains the recovery codes."""

    needs: ClassVar[Needs] = {"post": "person"}
    resource = "totp"

    @extend_schema(
        request=serializers.ConfirmTotpRequest,
        responses=serializers.NewRecoveryCodes,
        operation_id="confirm_totp",
    )
    def post(self, request: Request) -> Response:
        sent = requests.parse_body(serializers.ConfirmTotpRequest, request)
        codes = second_factor.confirm_enrolment(caller=caller_of(request), code=sent["code"])
        return Response(serializers.NewRecoveryCodes({"recovery_codes": codes}).data)


class RecoveryCodesView(APIView):
    """Replace the caller's recovery codes."""

    needs: ClassVar[Needs] = {"post": "person"}
    resource = "totp"

    @extend_schema(
        request=serializers.TotpProofRequest,
        responses=serializers.NewRecoveryCodes,
        operation_id="replace_recovery_codes",
    )
    def post(self, request: Request) -> Response:
        sent = requests.parse_body(serializers.TotpProofRequest, request)
        codes = second_factor.replace_recovery_codes(
            caller=caller_of(request), password=sent["password"], code=sent["code"]
        )
        return Response(serializers.NewRecoveryCodes({"recovery_codes": codes}).data)
