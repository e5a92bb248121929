"""What the account endpoints take and give, in canonical members."""

from typing import Any

from rest_framework import serializers

from accounts import mailed_tokens
from accounts.names import NAME_LENGTH
from accounts.passwords import LONGEST
from config import profiles
from config.wire import (
    IdField,
    RequestSerializer,
    SentIdField,
    StrictBooleanField,
    TextField,
    TimestampField,
    WireSerializer,
    outside,
)


class LoginRequest(RequestSerializer):
    resource = "login"

    username = TextField(max_length=254, required=False)
    email = TextField(max_length=254, required=False)
    password = TextField(max_length=LONGEST, trim_whitespace=False)
    totp_code = TextField(
        max_length=64, required=False, allow_blank=True, help_text="for accounts with a second factor"
    )

    def _members(self, declared: Any) -> Any:
        """Of user name and e-mail address, those that the profile lets people log in by."""
        return [*profiles.active().login.identifiers, "password", "totp_code"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        kinds = profiles.active().login.identifiers
        sent = [kind for kind in kinds if attrs.get(kind)]
        if len(sent) != 1:
            names = [outside(self.resource, kind) for kind in kinds]
            raise serializers.ValidationError({names[0]: f"Send {' or '.join(names)}, one of them."})
        return {"identifier": attrs[sent[0]], "password": attrs["password"]}


class RefreshRequest(RequestSerializer):
    resource = "refresh"

    refresh_token = TextField(max_length=4096)

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


class PasswordField(TextField):
    """A password, as it is typed: blanks belong to it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST, trim_whitespace=False, write_only=True, **kwargs)


class NameRequest(RequestSerializer):
    """What people change about themselves."""

    resource = "me"

    name = TextField(max_length=100, allow_blank=True)


class ChangePasswordRequest(RequestSerializer):
    resource = "password"

    current_password = PasswordField()
    new_password = PasswordField()


class SessionMember(WireSerializer):
    """A login that has not ended; never its tokens."""

    resource = "session"

    id = IdField("session")
    device = serializers.CharField(source="user_agent", help_text="User-Agent of the login")
    ip = serializers.CharField()
    created_at = TimestampField()
    last_seen_at = TimestampField(help_text="of the login, or of the last refresh")
    expires_at = TimestampField(help_text="end whatever happens")
    current = serializers.SerializerMethodField(help_text="whether this request was made in it")

    def get_current(self, session: Any) -> bool:
        current: str = self.context["current"]
        return str(session.uuid) == current


class UserFilter(RequestSerializer):
    """The query parameters of the list of people."""

    resource = "user"

    search = TextField(
        max_length=254, required=False, allow_blank=True, help_text="in user name, e-mail address and name"
    )
    role = TextField(max_length=64, required=False)
    is_active = serializers.ChoiceField(choices=("true", "false"), required=False)


class CreateUserRequest(RequestSerializer):
    resource = "user"

    username = TextField(max_length=150, required=False, allow_null=True)
    email = TextField(max_length=254)
    name = TextField(max_length=100, required=False, allow_blank=True)
    password = PasswordField()
    role = TextField(max_length=64)


class UpdateUserRequest(RequestSerializer):
    """All members are optional."""

    resource = "user"

    username = TextField(max_length=150, required=False, allow_null=True)
    email = TextField(max_length=254, required=False)
    name = TextField(max_length=100, required=False, allow_blank=True)
    password = PasswordField(required=False)
    role = TextField(max_length=64, required=False)
    is_active = StrictBooleanField(required=False)


class OrganizationMember(WireSerializer):
    """An organization."""

    resource = "organization"

    id = IdField("organization")
    name = serializers.CharField()
    created_at = TimestampField()


class OrganizationFilter(RequestSerializer):
    """The query parameters of the list of organizations."""

    resource = "organization"

    search = TextField(max_length=100, required=False, allow_blank=True, help_text="in the name")


class OrganizationRequest(RequestSerializer):
    resource = "organization"

    name = TextField(max_length=100)


class MemberMember(WireSerializer):
    """A person as the organization sees them: who it is, and the role there."""

    resource = "member"

    id = IdField("user", source="user")
    username = serializers.CharField(source="user.username", allow_null=True)
    email = serializers.CharField(source="user.email")
    name = serializers.CharField(source="user.name")
    role = serializers.CharField()


class AddMemberRequest(RequestSerializer):
    resource = "member"

    user = SentIdField("user", help_text="id of the person")
    role = TextField(max_length=64)


class MemberRoleRequest(RequestSerializer):
    resource = "member"

    role = TextField(max_length=64)


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
