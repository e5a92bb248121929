"""The endpoints of organizations and their members."""

from typing import ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from access.callers import caller_of, principal_of_request
from access.permissions import Needs
from access.principals import Principal
from accounts.idempotency import openapi as idempotency
from accounts.idempotency.requests import once
from accounts.models import Membership, Organization, OrganizationQuerySet, User
from accounts.organizations import serializers
from accounts.organizations import services as organizations
from accounts.organizations.changes import OrganizationChanges
from config.profiles import Capability
from config.wire import ids, requests
from config.wire.errors import Invalid, NotFound
from config.wire.views import EditedViewSet, ResourceViewSet, Row

SEE = frozenset({Capability.READ_ORGANIZATIONS})
MANAGE = frozenset({Capability.MANAGE_ORGANIZATIONS})


@extend_schema_view(
    list=extend_schema(operation_id="list_organizations"),
    retrieve=extend_schema(operation_id="get_organization"),
)
class OrganizationViewSet(ListModelMixin, EditedViewSet[Organization]):
    """The organizations that the caller may see."""

    resource = "organization"
    queryset = Organization.objects.none()
    serializer_class = serializers.OrganizationMember
    list_query = serializers.OrganizationQuery
    needs: ClassVar[Needs] = {
        "list": SEE,
        "retrieve": SEE,
        "create": MANAGE,
        "partial_update": MANAGE,
        "destroy": MANAGE,
    }

    def get_queryset(self) -> OrganizationQuerySet:
        return Organization.objects.visible_to(principal_of_request(self.request))

    @extend_schema(
        operation_id="create_organization",
        request=serializers.CreateOrganizationRequest,
        parameters=idempotency.PARAMETERS,
        responses={201: serializers.OrganizationMember, **idempotency.REFUSALS},
    )
    def create(self, request: Request) -> Response:
        sent = requests.parse_body(serializers.CreateOrganizationRequest, request)
        made = once(
            request,
            sent,
            lambda claim: organizations.create_organization(
                caller=caller_of(request), name=sent["name"], claim=claim
            ),
            lambda uuid: Organization.objects.filter(uuid=uuid).first(),
        )
        return self.created_row(made.result, ids.public_id(self.resource, made.result), made.headers)

    @extend_schema(operation_id="update_organization", request=serializers.UpdateOrganizationRequest)
    def partial_update(self, request: Request, pk: str) -> Response:
        organization = self.get_object()
        changes = OrganizationChanges(**requests.parse_body(serializers.UpdateOrganizationRequest, request))
        changed = organizations.update_organization(
            caller=caller_of(request), organization=organization, changes=changes, expected=self.expected
        )
        return self.about(changed)

    @extend_schema(operation_id="delete_organization", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        organization = self.get_object()
        organizations.delete_organization(
            caller=caller_of(request), organization=organization, expected=self.expected
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class OfOrganizationViewSet(ResourceViewSet[Row]):
    """The base of views of rows that belong to the organization in the path."""

    def organization(self) -> Organization:
        """Return the organization in the path. Raises NotFound if the caller may not see it."""
        visible = Organization.objects.visible_to(principal_of_request(self.request))
        found: Organization = ids.find("organization", visible, self.kwargs["organization_id"])
        return found


@extend_schema_view(
    list=extend_schema(operation_id="list_members"), retrieve=extend_schema(operation_id="get_member")
)
class MemberViewSet(ListModelMixin, OfOrganizationViewSet[Membership], EditedViewSet[Membership]):
    """The members of one organization. A member's id is the id of the person."""

    resource = "member"
    queryset = Membership.objects.none()
    serializer_class = serializers.MemberMember
    list_query = serializers.MemberQuery
    needs: ClassVar[Needs] = OrganizationViewSet.needs

    def get_queryset(self) -> QuerySet[Membership]:
        members = Membership.objects.filter(organization=self.organization())
        return members.select_related("user", "organization")

    def get_object(self) -> Membership:
        """Return the membership of the person in the path. Raises NotFound."""
        found: Membership = ids.find("user", self.get_queryset(), self.kwargs["pk"], path="user__")
        return found

    @extend_schema(
        operation_id="add_member",
        request=serializers.AddMemberRequest,
        parameters=idempotency.PARAMETERS,
        responses={201: serializers.MemberMember, **idempotency.REFUSALS},
    )
    def create(self, request: Request, organization_id: str) -> Response:
        organization = self.organization()
        sent = requests.parse_body(serializers.AddMemberRequest, request)
        person = _person(principal_of_request(request), sent["user"])
        made = once(
            request,
            sent,
            lambda claim: organizations.add_member(
                caller=caller_of(request),
                organization=organization,
                user=person,
                role=sent["role"],
                claim=claim,
            ),
            lambda user: self.get_queryset().filter(user__uuid=user).first(),
        )
        return self.created_row(made.result, ids.public_id("user", made.result.user), made.headers)

    @extend_schema(operation_id="change_member_role", request=serializers.ChangeMemberRoleRequest)
    def partial_update(self, request: Request, organization_id: str, pk: str) -> Response:
        membership = self.get_object()
        sent = requests.parse_body(serializers.ChangeMemberRoleRequest, request)
        role = sent["role"]
        changed = organizations.change_member_role(
            caller=caller_of(request), membership=membership, role=role, expected=self.expected
        )
        return self.about(changed)

    @extend_schema(operation_id="remove_member", responses={204: None})
    def destroy(self, request: Request, organization_id: str, pk: str) -> Response:
        organizations.remove_member(
            caller=caller_of(request), membership=self.get_object(), expected=self.expected
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


def _person(principal: Principal, public_id: str) -> User:
    """Return the person with this id. A person whom the caller may not see looks nonexistent."""
    try:
        found: User = ids.find("user", User.objects.visible_to(principal), public_id)
    except NotFound:
        raise Invalid("user", "does not exist, or you may not see this person") from None
    return found
