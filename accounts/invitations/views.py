"""The endpoints of invitations to an organization and of invitations to an account."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from access.callers import caller_of
from access.permissions import Needs
from accounts.idempotency import openapi as idempotency
from accounts.idempotency.requests import once
from accounts.invitations import serializers
from accounts.invitations import services as invitations
from accounts.models import Invitation, Organization
from accounts.organizations.views import MANAGE, OfOrganizationViewSet
from accounts.users import authority
from accounts.users.views import MANAGE as MANAGE_PEOPLE
from config.wire import requests


class _InvitationViewSet(ListModelMixin, OfOrganizationViewSet[Invitation]):
    """Invitations that were not accepted yet, including expired ones."""

    resource = "invitation"
    queryset = Invitation.objects.none()
    serializer_class = serializers.InvitationMember
    form: type[serializers.InvitationRequest] = serializers.InvitationRequest
    list_query = serializers.InvitationQuery

    def invited_to(self) -> Organization | None:
        """Return the organization of the invitations; None for invitations to an account."""
        return self.organization()

    def get_queryset(self) -> QuerySet[Invitation]:
        organization = self.invited_to()
        authority.check_may_invite(caller_of(self.request), organization)
        rows = Invitation.objects.filter(organization=organization)
        return rows.select_related("invited_by", "organization")

    def create(self, request: Request, **_: str) -> Response:
        organization = self.invited_to()
        sent = requests.parse_body(self.form, request)
        made = once(
            request,
            sent,
            lambda claim: invitations.invite(
                caller=caller_of(request), organization=organization, claim=claim, **sent
            ),
            lambda uuid: self.get_queryset().filter(uuid=uuid).first(),
        )
        shown = self.get_serializer(made.result).data
        return Response(shown, status=status.HTTP_201_CREATED, headers=made.headers)

    def destroy(self, request: Request, **_: str) -> Response:
        invitations.withdraw_invitation(caller=caller_of(request), invitation=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @action(detail=True, methods=["post"])
    def resend(self, request: Request, **_: str) -> Response:
        sent = invitations.resend_invitation(caller=caller_of(request), invitation=self.get_object())
        return Response(self.get_serializer(sent).data)


INVITE: Mapping[str, Any] = {
    "parameters": idempotency.PARAMETERS,
    "responses": {201: serializers.InvitationMember, **idempotency.REFUSALS},
}
RESEND: Mapping[str, Any] = {"request": None, "responses": serializers.InvitationMember}


@extend_schema_view(
    list=extend_schema(operation_id="list_invitations"),
    create=extend_schema(operation_id="invite", request=serializers.InvitationRequest, **INVITE),
    destroy=extend_schema(operation_id="withdraw_invitation", responses={204: None}),
    resend=extend_schema(operation_id="resend_invitation", **RESEND),
)
class InvitationViewSet(_InvitationViewSet):
    """Invitations to one organization that were not accepted yet, including expired ones."""

    needs: ClassVar[Needs] = {"list": MANAGE, "create": MANAGE, "destroy": MANAGE, "resend": MANAGE}


@extend_schema_view(
    list=extend_schema(operation_id="list_account_invitations"),
    create=extend_schema(
        operation_id="invite_to_account", request=serializers.AccountInvitationRequest, **INVITE
    ),
    destroy=extend_schema(operation_id="withdraw_account_invitation", responses={204: None}),
    resend=extend_schema(operation_id="resend_account_invitation", **RESEND),
)
class AccountInvitationViewSet(_InvitationViewSet):
    """Invitations to an account with a global role. Programs may send them, too."""

    needs: ClassVar[Needs] = dict.fromkeys(("list", "create", "destroy", "resend"), MANAGE_PEOPLE)
    form = serializers.AccountInvitationRequest

    def invited_to(self) -> None:
        return None
