"""Requests and answers about invitations."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import F
from rest_framework import serializers

from accounts.users.authority import check_global_role, check_organization_role
from accounts.users.names import clean_email, fold_email
from config.wire.fields import SearchField, TextField, TimestampField
from config.wire.ids import IdField
from config.wire.lists.order import Column
from config.wire.lists.query import ListQuery
from config.wire.members import RequestSerializer, WireSerializer


class InvitationMember(WireSerializer):
    """An open invitation, without its token."""

    resource = "invitation"

    id = IdField("invitation")
    email = serializers.CharField()
    role = serializers.CharField()
    invited_by = IdField("user", source="invited_by", help_text="id of the person")
    created_at = TimestampField(help_text="when it was last sent")
    expires_at = TimestampField()


class InvitationQuery(ListQuery):
    """The query parameters of the list of invitations."""

    resource = "invitation"
    orderings: ClassVar[Mapping[str, Column]] = {"email": Column(F("email_key"))}
    default_ordering = ""

    search = SearchField("text in the e-mail address")
    role = TextField(max_length=64, required=False)

    def by_search(self, rows: Any, text: str) -> Any:
        return rows.filter(email_key__contains=fold_email(text))


class InvitationRequest(RequestSerializer):
    resource = "invitation"

    email = TextField(max_length=254, rule=clean_email)
    role = TextField(max_length=64, rule=check_organization_role)


class AccountInvitationRequest(InvitationRequest):
    role = TextField(max_length=64, rule=check_global_role)
