"""Requests and answers about the second factor."""

from rest_framework import serializers

from accounts.users.serializers import PasswordField
from config.wire.fields import TextField
from config.wire.members import RequestSerializer, WireSerializer

CODE_HELP = "a code from the authenticator app, or a recovery code"


class BeginTotpRequest(RequestSerializer):
    resource = "totp"

    password = PasswordField()


class TotpProofRequest(BeginTotpRequest):
    code = TextField(max_length=64, help_text=CODE_HELP)


class ConfirmTotpRequest(RequestSerializer):
    resource = "totp"

    code = TextField(max_length=64, help_text="the code that the app shows")


class TotpEnrolment(WireSerializer):
    """A second factor to confirm. Its secret is not shown again."""

    resource = "enrolment"

    secret = serializers.CharField(help_text="base 32, to type into the app")
    otpauth_uri = serializers.CharField()
    qr_svg = serializers.CharField(help_text="the otpauth URI as a QR code")


class NewRecoveryCodes(WireSerializer):
    """Recovery codes. Each works once in place of a code from the app. They are not shown again."""

    resource = "recovery_codes"

    recovery_codes = serializers.ListField(child=serializers.CharField())
