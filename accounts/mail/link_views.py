"""The endpoints that send or take mailed links: password reset, registration, address change, invitation."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access.callers import caller_of
from access.permissions import Needs
from accounts.invitations import accept as acceptance
from accounts.mail import email_change, email_confirmation, registration, serializers
from accounts.passwords import services as passwords
from audit.actors import Origin
from config.wire import requests
from config.wire.views import PublicView

MAIL_IF_KNOWN = "If this address is known, a mail is on its way."
MAIL_TO_CONFIRM = "A mail is on its way. Follow the link in it."
PASSWORD_RESET = "The password is changed. Log in with the new one."
CONFIRMED = "The address is confirmed. Log in with it."
ACCEPTED = "The invitation is accepted. Log in."


def say(message: str, code: int = status.HTTP_200_OK) -> Response:
    return Response(serializers.Message({"message": message}).data, status=code)


class ForgotPasswordView(PublicView):
    """Mail a link to set a new password. The answer does not tell whether the address has an account."""

    resource = "forgot_password"

    @extend_schema(
        request=serializers.ForgotPasswordRequest,
        responses=serializers.Message,
        operation_id="forgot_password",
    )
    def post(self, request: Request) -> Response:
        sent = requests.parse_body(serializers.ForgotPasswordRequest, request)
        passwords.forgot_password(**sent, origin=Origin.of(request._request))
        return say(MAIL_IF_KNOWN)


class ResetPasswordView(PublicView):
    """Set the password of the person to whom the token was mailed. Does not log in."""

    resource = "reset_password"

    @extend_schema(
        request=serializers.ResetPasswordRequest, responses=serializers.Message, operation_id="reset_password"
    )
    def post(self, request: Request) -> Response:
        sent = requests.parse_body(serializers.ResetPasswordRequest, request)
        passwords.reset_password(**sent, origin=Origin.of(request._request))
        return say(PASSWORD_RESET)


class RegisterView(PublicView):
    """Register, if the profile allows it. Answers 202 whether or not the address has an account."""

    resource = "register"

    @extend_schema(
        request=serializers.RegisterRequest, responses={202: serializers.Message}, operation_id="register"
    )
    def post(self, request: Request) -> Response:
        registration.check_open()
        sent = requests.parse_body(serializers.RegisterRequest, request)
        registration.register(**sent, origin=Origin.of(request._request))
        return say(MAIL_TO_CONFIRM, status.HTTP_202_ACCEPTED)


class ConfirmEmailView(PublicView):
    """Finish a registration or a change of address with the mailed token.

    A registration also needs its `password`; a wrong password does not spend the token.
    """

    resource = "confirm_email"

    @extend_schema(
        request=serializers.ConfirmEmailRequest, responses=serializers.Message, operation_id="confirm_email"
    )
    def post(self, request: Request) -> Response:
        sent = requests.parse_body(serializers.ConfirmEmailRequest, request)
        email_confirmation.confirm_email(**sent, origin=Origin.of(request._request))
        return say(CONFIRMED)


class ChangeEmailView(APIView):
    """Ask for a change of e-mail address, with the password. Answers 202 whether or not the address is taken.

    The address changes when the link that is mailed there is used (auth/confirm-email).
    """

    needs: ClassVar[Needs] = {"post": "person"}
    resource = "change_email"

    @extend_schema(
        request=serializers.ChangeEmailRequest,
        responses={202: serializers.Message},
        operation_id="change_email",
    )
    def post(self, request: Request) -> Response:
        sent = requests.parse_body(serializers.ChangeEmailRequest, request)
        email_change.ask_for_change(caller=caller_of(request), **sent)
        return say(MAIL_TO_CONFIRM, status.HTTP_202_ACCEPTED)


class AcceptInvitationView(PublicView):
    """Accept an invitation with the mailed token. Does not log in.

    The account with the invited address becomes the member. If no account exists, `password` creates one.
    """

    resource = "accept_invitation"

    @extend_schema(
        request=serializers.AcceptInvitationRequest,
        responses=serializers.Message,
        operation_id="accept_invitation",
    )
    def post(self, request: Request) -> Response:
        sent = requests.parse_body(serializers.AcceptInvitationRequest, request)
        acceptance.accept_invitation(**sent, origin=Origin.of(request._request))
        return say(ACCEPTED)
