"""Requests and answers about organizations and their members."""

from rest_framework import serializers

from accounts.users.authority import check_organization_role
from accounts.users.names import check_name
from config.wire.fields import StrictBooleanField, TextField, TimestampField
from config.wire.ids import IdField, SentIdField
from config.wire.members import RequestSerializer, WireSerializer


class OrganizationMember(WireSerializer):
    """An organization."""

    resource = "organization"

    id = IdField("organization")
    name = serializers.CharField()
    requires_second_factor = serializers.BooleanField()
    created_at = TimestampField()


class OrganizationFilter(RequestSerializer):
    """The query parameters of the list of organizations."""

    resource = "organization"

    search = TextField(max_length=100, required=False, allow_blank=True, help_text="text in the name")


class OrganizationRequest(RequestSerializer):
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


class AddMemberRequest(RequestSerializer):
    resource = "member"

    user = SentIdField("user", help_text="id of the person")
    role = TextField(max_length=64, rule=check_organization_role)


class MemberRoleRequest(RequestSerializer):
    resource = "member"

    role = TextField(max_length=64, rule=check_organization_role)
