"""Requests and answers about people."""

from collections.abc import Iterable
from typing import Any

from rest_framework import serializers

from accounts.passwords.rules import LONGEST
from config.wire.fields import StrictBooleanField, TextField, TimestampField
from config.wire.ids import IdField
from config.wire.members import RequestSerializer, WireSerializer


class PasswordField(TextField):
    """A password exactly as typed: leading and trailing spaces belong to it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST, trim_whitespace=False, write_only=True, **kwargs)


class MembershipMember(WireSerializer):
    """An organization, with the role of the member who asks."""

    resource = "membership"

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

    organizations = MembershipMember(many=True, source="memberships.all")
    last_login_at = TimestampField(allow_null=True)

    def _members(self, declared: Iterable[str]) -> Iterable[str]:
        return seen_members(self, super()._members(declared))


class NameRequest(RequestSerializer):
    """What people can change about themselves."""

    resource = "me"

    name = TextField(max_length=100, allow_blank=True)


class ChangePasswordRequest(RequestSerializer):
    resource = "password"

    current_password = PasswordField()
    new_password = PasswordField()


class UserFilter(RequestSerializer):
    """The query parameters of the list of people."""

    resource = "user"

    search = TextField(
        max_length=254,
        required=False,
        allow_blank=True,
        help_text="text in the user name, e-mail address or name",
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
