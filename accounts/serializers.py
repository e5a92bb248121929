"""What the account endpoints take and give, in canonical members."""

from typing import Any

from rest_framework import serializers

from accounts import mailed_tokens
from accounts.names import NAME_LENGTH
from accounts.passwords import LONGEST
from config import profiles
from config.wire import IdField, RequestSerializer, TextField, TimestampField, WireSerializer, outside


class LoginRequest(RequestSerializer):
    resource = "login"

    username = serializers.CharField(max_length=254, required=False)
    email = serializers.CharField(max_length=254, required=False)
    password = serializers.CharField(max_length=LONGEST, trim_whitespace=False)

    def _members(self, declared: Any) -> Any:
        """Of user name and e-mail address, those that the profile lets people log in by."""
        return [*profiles.active().login.identifiers, "password"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        kinds = profiles.active().login.identifiers
        sent = [kind for kind in kinds if attrs.get(kind)]
        if len(sent) != 1:
            names = [outside(self.resource, kind) for kind in kinds]
            raise serializers.ValidationError({names[0]: f"Send {' or '.join(names)}, one of them."})
        return {"identifier": attrs[sent[0]], "password": attrs["password"]}


class RefreshRequest(RequestSerializer):
    resource = "refresh"

    refresh_token = serializers.CharField(max_length=4096)

    def _members(self, declared: Any) -> Any:
        """Nothing, if the profile refreshes by the access token."""
        return declared if profiles.active().login.refresh_takes == "refresh_token" else ()


class MembershipMember(WireSerializer):
    """An organization as one of its members sees it."""

    resource = "membership"

    id = IdField("organization", source="organization")
    name = serializers.CharField(source="organization.name")
    role = serializers.CharField()


class UserMember(WireSerializer):
    """A person, beside the tokens of a login."""

    resource = "user"

    id = IdField("user")
    username = serializers.CharField(allow_null=True)
    email = serializers.CharField()
    name = serializers.CharField()
    role = serializers.CharField()
    is_active = serializers.BooleanField()
    created_at = TimestampField()


class Me(UserMember):
    """The person who asks, with their organizations and the role in each."""

    resource = "me"

    organizations = MembershipMember(many=True, source="memberships.all")
    last_login_at = TimestampField(allow_null=True)


class TokenPairMember(WireSerializer):
    resource = "tokens"

    access_token = serializers.CharField()
    refresh_token = serializers.CharField()
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="seconds")


class Login(WireSerializer):
    resource = "logged_in"

    access_token = serializers.CharField(source="tokens.access_token")
    refresh_token = serializers.CharField(source="tokens.refresh_token")
    token_type = serializers.CharField(source="tokens.token_type")
    expires_in = serializers.IntegerField(source="tokens.expires_in", help_text="seconds")
    user = UserMember()


class ForgotPasswordRequest(RequestSerializer):
    resource = "forgot_password"

    email = TextField(max_length=254)


class ResetPasswordRequest(RequestSerializer):
    resource = "reset_password"

    token = TextField(max_length=mailed_tokens.LONGEST)
    new_password = TextField(max_length=LONGEST, trim_whitespace=False)


class RegisterRequest(RequestSerializer):
    resource = "register"

    email = TextField(max_length=254)
    password = TextField(max_length=LONGEST, trim_whitespace=False)
    name = TextField(max_length=NAME_LENGTH, required=False)


class ConfirmEmailRequest(RequestSerializer):
    resource = "confirm_email"

    token = TextField(max_length=mailed_tokens.LONGEST)


class Message(WireSerializer):
    """A sentence, where there is nothing else to say."""

    resource = "message"

    message = serializers.CharField()
