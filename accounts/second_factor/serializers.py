"""The second factor: what is sent to add or remove it, and what is shown of it, once."""

from rest_framework import serializers

from accounts.users.serializers import PasswordField
from config.wire.fields import TextField
from config.wire.members import RequestSerializer, WireSerializer

CODE_HELP = "a code of the authenticator app, or a recovery code"


class PasswordProofRequest(RequestSerializer):
    resource = "totp"

    password = PasswordField()


class PasswordAndCodeRequest(PasswordProofRequest):
    code = TextField(max_length=64, help_text=CODE_HELP)


class ConfirmTotpRequest(RequestSerializer):
    resource = "totp"

    code = TextField(max_length=64, help_text="the code that the app shows")


class Enrolment(WireSerializer):
    """A second factor that is to be confirmed; its secret is not shown again."""

    resource = "enrolment"

    secret = serializers.CharField(help_text="base 32, for typing it in")
    otpauth_uri = serializers.CharField()
    qr_svg = serializers.CharField(help_text="the otpauth URI as a QR code")


class RecoveryCodes(WireSerializer):
    """Each is good once, in the place of a code of the app; they are not shown again."""

    resource = "recovery_codes"

    recovery_codes = serializers.ListField(child=serializers.CharField())
