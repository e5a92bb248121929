"""The endpoints of quotas: of a key, and of all keys of an organization."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access.callers import caller_of, principal_of_request
from access.permissions import Needs
from accounts.models import Organization
from accounts.organizations.views import OrganizationViewSet
from apikeys.models import ApiKey
from apikeys.quotas.changes import QuotaChanges
from apikeys.quotas.periods import day_of
from apikeys.quotas.reading import quota_of
from apikeys.quotas.serializers import ChangeQuotaRequest, QuotaMember
from apikeys.quotas.services import change_key_quota, change_organization_quota
from apikeys.views import MANAGE, SEE
from audit.actors import Origin
from config.wire import ids, requests


def about(request: Request, holder: ApiKey | Organization) -> Response:
    """Return the answer that shows the holder's quota as it is now."""
    return Response(QuotaMember(quota_of(holder, day_of(Origin.of(request._request).at))).data)


def changes_in(request: Request) -> QuotaChanges:
    """Return what the body wants to change. Raises FormFaults."""
    return QuotaChanges(**requests.parse_body(ChangeQuotaRequest, request))


class KeyQuotaView(APIView):
    """The quota of one key."""

    resource = "api_key"
    needs: ClassVar[Needs] = {"get": SEE, "patch": MANAGE}

    def key(self, request: Request) -> ApiKey:
        """Return the key in the path. Raises NotFound if the caller may not see it."""
        visible = ApiKey.objects.visible_to(principal_of_request(request)).select_related(
            "user", "organization"
        )
        found: ApiKey = ids.find("api_key", visible, self.kwargs["pk"])
        return found

    @extend_schema(operation_id="get_api_key_quota", responses=QuotaMember)
    def get(self, request: Request, pk: str) -> Response:
        return about(request, self.key(request))

    @extend_schema(operation_id="change_api_key_quota", request=ChangeQuotaRequest, responses=QuotaMember)
    def patch(self, request: Request, pk: str) -> Response:
        key = self.key(request)
        change_key_quota(caller=caller_of(request), key=key, changes=changes_in(request))
        return about(request, key)


class OrganizationQuotaView(APIView):
    """The quota that all keys of one organization share."""

    resource = "organization"
    needs: ClassVar[Needs] = {
        "get": OrganizationViewSet.needs["retrieve"],
        "patch": OrganizationViewSet.needs["partial_update"],
    }

    def organization(self, request: Request) -> Organization:
        """Return the organization in the path. Raises NotFound if the caller may not see it."""
        visible = Organization.objects.visible_to(principal_of_request(request))
        found: Organization = ids.find("organization", visible, self.kwargs["organization_id"])
        return found

    @extend_schema(operation_id="get_organization_quota", responses=QuotaMember)
    def get(self, request: Request, organization_id: str) -> Response:
        return about(request, self.organization(request))

    @extend_schema(
        operation_id="change_organization_quota", request=ChangeQuotaRequest, responses=QuotaMember
    )
    def patch(self, request: Request, organization_id: str) -> Response:
        organization = self.organization(request)
        change_organization_quota(
            caller=caller_of(request), organization=organization, changes=changes_in(request)
        )
        return about(request, organization)
