"""Requests that ask for a mailed link or use one."""

from rest_framework import serializers

from accounts.mail import link_tokens
from accounts.passwords.rules import LONGEST, check_new_password
from accounts.users.names import NAME_LENGTH, check_name, clean_email
from config.wire.fields import TextField
from config.wire.members import RequestSerializer, WireSerializer


class ForgotPasswordRequest(RequestSerializer):
    resource = "forgot_password"

    email = TextField(max_length=254, rule=clean_email)


class ResetPasswordRequest(RequestSerializer):
    resource = "reset_password"

    token = TextField(max_length=link_tokens.LONGEST)
    new_password = TextField(max_length=LONGEST, trim_whitespace=False, rule=check_new_password)


class RegisterRequest(RequestSerializer):
    resource = "register"

    email = TextField(max_length=254, rule=clean_email)
    password = TextField(max_length=LONGEST, trim_whitespace=False, rule=check_new_password)
    name = TextField(max_length=NAME_LENGTH, required=False, rule=check_name)


class ChangeEmailRequest(RequestSerializer):
    resource = "change_email"

    new_email = TextField(max_length=254, rule=clean_email)
    current_password = TextField(max_length=LONGEST, trim_whitespace=False)


class ConfirmEmailRequest(RequestSerializer):
    """`password` is the registration's; a change of address needs none."""

    resource = "confirm_email"

    token = TextField(max_length=link_tokens.LONGEST)
    password = TextField(max_length=LONGEST, trim_whitespace=False, required=False)


class AcceptInvitationRequest(RequestSerializer):
    """`name` and `password` are for people without an account."""

    resource = "accept_invitation"

    token = TextField(max_length=link_tokens.LONGEST)
    name = TextField(max_length=NAME_LENGTH, required=False, rule=check_name)
    password = TextField(max_length=LONGEST, trim_whitespace=False, required=False, rule=check_new_password)


class Message(WireSerializer):
    """An answer that consists of one sentence."""

    resource = "message"

    message = serializers.CharField()
