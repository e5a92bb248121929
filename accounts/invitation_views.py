"""Invitations to an organization, for those who manage it."""

from typing import ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import authority, serializers
from accounts.callers import caller_of
from accounts.models import Invitation
from accounts.organization_views import MANAGE, OfOrganizationViewSet
from accounts.permissions import Needs
from accounts.services import invitations
from config import received


@extend_schema_view(list=extend_schema(operation_id="list_invitations"))
class InvitationViewSet(ListModelMixin, OfOrganizationViewSet[Invitation]):
    """Invitations to one organization that nobody has accepted yet, expired ones too."""

    resource = "invitation"
    queryset = Invitation.objects.none()
    serializer_class = serializers.InvitationMember
    needs: ClassVar[Needs] = {"list": MANAGE, "create": MANAGE, "destroy": MANAGE, "resend": MANAGE}

    def get_queryset(self) -> QuerySet[Invitation]:
        organization = self.organization()
        authority.check_may_manage_organization(caller_of(self.request), organization)
        return Invitation.objects.filter(organization=organization).select_related(
            "invited_by", "organization"
        )

    @extend_schema(
        operation_id="invite",
        request=serializers.InvitationRequest,
        responses={201: serializers.InvitationMember},
    )
    def create(self, request: Request, organization_id: str) -> Response:
        organization = self.organization()
        sent = received.body(serializers.InvitationRequest, request)
        made = invitations.invite(caller=caller_of(request), organization=organization, **sent)
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(operation_id="withdraw_invitation", responses={204: None})
    def destroy(self, request: Request, organization_id: str, pk: str) -> Response:
        invitations.withdraw_invitation(caller=caller_of(request), invitation=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(operation_id="resend_invitation", request=None, responses=serializers.InvitationMember)
    @action(detail=True, methods=["post"])
    def resend(self, request: Request, organization_id: str, pk: str) -> Response:
        sent = invitations.resend_invitation(caller=caller_of(request), invitation=self.get_object())
        return Response(self.get_serializer(sent).data)
