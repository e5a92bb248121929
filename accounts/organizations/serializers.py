"""Requests and answers about organizations and their members."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import F
from rest_framework import serializers

from accounts.models import User
from accounts.users.authority import check_organization_role
from accounts.users.names import check_name
from config.wire.fields import SearchField, StrictBooleanField, TextField, TimestampField, TrueOrFalseField
from config.wire.ids import IdField, SentIdField
from config.wire.lists.order import STORED, Column
from config.wire.lists.query import ListQuery
from config.wire.members import RequestSerializer, WireSerializer


class OrganizationMember(WireSerializer):
    """An organization."""

    resource = "organization"

    id = IdField("organization")
    name = serializers.CharField()
    requires_second_factor = serializers.BooleanField()
    created_at = TimestampField()


class OrganizationQuery(ListQuery):
    """The query parameters of the list of organizations."""

    resource = "organization"
    orderings: ClassVar[Mapping[str, Column]] = {"created_at": STORED, "name": Column(F("name_key"))}

    search = SearchField("text in the name", max_length=100)
    requires_second_factor = TrueOrFalseField()


class CreateOrganizationRequest(RequestSerializer):
    resource = "organization"

    name = TextField(max_length=100, rule=check_name)


class UpdateOrganizationRequest(RequestSerializer):
    """All members are optional."""

    resource = "organization"

    name = TextField(max_length=100, required=False, rule=check_name)
    requires_second_factor = StrictBooleanField(
        required=False, help_text="whether roles in it apply only after a login with a second factor"
    )


class MemberMember(WireSerializer):
    """A member of an organization, with their role there."""

    resource = "member"

    id = IdField("user", source="user")
    username = serializers.CharField(source="user.username", allow_null=True)
    email = serializers.CharField(source="user.email")
    name = serializers.CharField(source="user.name")
    role = serializers.CharField()
    joined_at = TimestampField(allow_null=True)


class MemberQuery(ListQuery):
    """The query parameters of the list of members. The latest to join come first."""

    resource = "member"
    orderings: ClassVar[Mapping[str, Column]] = {}

    search = SearchField("text in the user name, e-mail address or name")
    role = TextField(max_length=64, required=False)

    def by_search(self, rows: Any, text: str) -> Any:
        return rows.filter(user__in=User.objects.get_queryset().matching(text)) if text else rows


class AddMemberRequest(RequestSerializer):
    resource = "member"

    user = SentIdField("user", help_text="id of the person")
    role = TextField(max_length=64, rule=check_organization_role)


class ChangeMemberRoleRequest(RequestSerializer):
    resource = "member"

    role = TextField(max_length=64, rule=check_organization_role)
