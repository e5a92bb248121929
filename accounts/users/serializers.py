"""Requests and answers about people."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django.db.models import F
from rest_framework import serializers

from accounts.notifications.kinds import CHOICES, clean_notifications
from accounts.passwords.rules import LONGEST, check_new_password
from accounts.users.authority import check_global_role
from accounts.users.names import check_name, clean_email, clean_username
from accounts.users.preferences import LANGUAGES, clean_language, clean_time_zone
from config import profiles
from config.wire.fields import (
    BoundedListField,
    SearchField,
    StrictBooleanField,
    TextField,
    TimestampField,
    TrueOrFalseField,
)
from config.wire.ids import IdField
from config.wire.lists.order import STORED, Column
from config.wire.lists.query import ListQuery
from config.wire.members import RequestSerializer, WireSerializer

LANGUAGE_HELP = f'The language of pages: {", ".join(LANGUAGES)}, or "" for the language of the browser.'
NOTIFICATIONS_HELP = (
    f"The mails about API keys that the person wants: {', '.join(CHOICES)}. A leak is always mailed."
)
TIME_ZONE_HELP = 'The time zone of pages, such as Europe/Berlin, or "" for UTC. The API always uses UTC.'


class PasswordField(TextField):
    """A password exactly as typed: leading and trailing spaces belong to it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST, trim_whitespace=False, write_only=True, **kwargs)


class MembershipMember(WireSerializer):
    """An organization, with the role of the member who asks."""

    resource = "membership"
    is_limited_by_scopes = True

    id = IdField("organization", source="organization")
    name = serializers.CharField(source="organization.name")
    role = serializers.CharField()

    def _members(self, declared: Iterable[str]) -> Iterable[str]:
        return seen_members(self, super()._members(declared))


def seen_members(serializer: WireSerializer, members: Iterable[str]) -> list[str]:
    """Return the members that the caller may see: all, unless `seen` in the context limits them."""
    seen = serializer.context.get("seen")
    return [name for name in members if seen is None or f"{serializer.resource}.{name}" in seen]


class UserMember(WireSerializer):
    """A person."""

    resource = "user"

    id = IdField("user")
    username = serializers.CharField(allow_null=True)
    email = serializers.CharField()
    name = serializers.CharField()
    role = serializers.CharField()
    is_active = serializers.BooleanField()
    created_at = TimestampField()


class Me(UserMember):
    """The caller, with their organizations and their role in each."""

    resource = "me"
    is_limited_by_scopes = True

    organizations = MembershipMember(many=True, source="memberships.all")
    last_login_at = TimestampField(allow_null=True)
    language = serializers.CharField(help_text=LANGUAGE_HELP)
    time_zone = serializers.CharField(help_text=TIME_ZONE_HELP)
    notifications = serializers.ListField(child=serializers.CharField(), help_text=NOTIFICATIONS_HELP)

    def _members(self, declared: Iterable[str]) -> Iterable[str]:
        return seen_members(self, super()._members(declared))


class ChangeMeRequest(RequestSerializer):
    """What people can change about themselves: those members that the profile shows them."""

    resource = "me"

    name = TextField(max_length=100, required=False, allow_blank=True, rule=check_name)
    language = TextField(
        max_length=16, required=False, allow_blank=True, rule=clean_language, help_text=LANGUAGE_HELP
    )
    time_zone = TextField(
        max_length=64, required=False, allow_blank=True, rule=clean_time_zone, help_text=TIME_ZONE_HELP
    )
    notifications = BoundedListField(
        child=TextField(max_length=20),
        max_length=len(CHOICES),
        required=False,
        rule=clean_notifications,
        help_text=NOTIFICATIONS_HELP,
    )

    def _members(self, declared: Iterable[str]) -> Iterable[str]:
        shown = profiles.active().wire.members.get(self.resource)
        return [name for name in declared if shown is None or name in shown]


class ChangePasswordRequest(RequestSerializer):
    resource = "password"

    current_password = PasswordField()
    new_password = PasswordField(rule=check_new_password)


class UserQuery(ListQuery):
    """The query parameters of the list of people."""

    resource = "user"
    orderings: ClassVar[Mapping[str, Column]] = {"created_at": STORED, "email": Column(F("email_key"))}

    search = SearchField("text in the user name, e-mail address or name")
    role = TextField(max_length=64, required=False)
    is_active = TrueOrFalseField()


def may_lack_username() -> bool:
    """Whether the profile lets people log in with something else."""
    return profiles.active().login.identifiers != ("username",)


class CreateUserRequest(RequestSerializer):
    resource = "user"

    username = TextField(max_length=150, required=False, allow_null=True, rule=clean_username)
    email = TextField(max_length=254, rule=clean_email)
    name = TextField(max_length=100, required=False, allow_blank=True, rule=check_name)
    password = PasswordField(rule=check_new_password)
    role = TextField(max_length=64, rule=check_global_role)

    def declared(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().declared()
        fields["username"].allow_null = may_lack_username()
        fields["username"].required = not may_lack_username()
        return fields


class UpdateUserRequest(RequestSerializer):
    """All members are optional."""

    resource = "user"

    username = TextField(max_length=150, required=False, allow_null=True, rule=clean_username)
    email = TextField(max_length=254, required=False, rule=clean_email)
    name = TextField(max_length=100, required=False, allow_blank=True, rule=check_name)
    password = PasswordField(required=False, rule=check_new_password)
    role = TextField(max_length=64, required=False, rule=check_global_role)
    is_active = StrictBooleanField(required=False)

    def declared(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().declared()
        fields["username"].allow_null = may_lack_username()
        return fields
