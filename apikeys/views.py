"""The key endpoints, and the catalogue of scopes."""

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access.callers import caller_of, principal_of_request
from access.permissions import Needs
from access.principals import Principal
from accounts.idempotency import openapi as idempotency
from accounts.idempotency.requests import Made, once
from accounts.models import Organization, User
from apikeys import serializers
from apikeys.advice.views import AdvisedViewSet
from apikeys.changes import ApiKeyChanges
from apikeys.filters import KeyQuery
from apikeys.models import ApiKey, ApiKeyQuerySet
from apikeys.quotas.changes import QuotaChanges
from apikeys.rotations import serializers as rotation_serializers
from apikeys.services import api_keys, enabling, revocation, rotation
from apikeys.services.api_keys import NewKey
from apikeys.usage import reports
from apikeys.usage import serializers as report_serializers
from audit.actors import Origin
from config import profiles
from config.profiles import Capability
from config.wire import ids, preconditions, requests
from config.wire.errors import Invalid, NotFound
from config.wire.views import EditedViewSet

SEE = frozenset({Capability.READ_OWN_KEYS, Capability.READ_KEYS})
MANAGE = frozenset({Capability.MANAGE_OWN_KEYS, Capability.MANAGE_KEYS})

Created = Made[NewKey | serializers.RepeatedKey]


@extend_schema_view(
    list=extend_schema(operation_id="list_api_keys"), retrieve=extend_schema(operation_id="get_api_key")
)
class ApiKeyViewSet(ListModelMixin, AdvisedViewSet):
    """API keys: the caller's own, and others that the caller may see or manage."""

    resource = "api_key"
    queryset = ApiKey.objects.none()
    serializer_class = serializers.ApiKeyMember
    list_query = KeyQuery
    conditional = EditedViewSet.conditional | {"rotate", "disable", "enable", "narrow", "widen"}
    tagged = EditedViewSet.tagged | {"rotate", "disable", "enable", "narrow", "widen"}
    needs: ClassVar[Needs] = {
        "list": SEE,
        "retrieve": SEE,
        "create": MANAGE,
        "partial_update": MANAGE,
        "destroy": MANAGE,
        "rotate": MANAGE,
        "disable": MANAGE,
        "enable": MANAGE,
        "usage": SEE,
        "advice": SEE,
        "narrow": MANAGE,
        "widen": MANAGE,
    }

    def get_queryset(self) -> ApiKeyQuerySet:
        visible = ApiKey.objects.visible_to(principal_of_request(self.request))
        return visible.select_related("user", "organization")

    def named_key(self) -> ApiKey:
        """Return the key in the path for a service, which locks it and reads the rest."""
        visible = ApiKey.objects.visible_to(principal_of_request(self.request))
        key: ApiKey = ids.find(self.resource, visible.only("user", "organization"), self.kwargs["pk"])
        return key

    def find_created(self, uuid: UUID) -> serializers.RepeatedKey | None:
        """Return a key that an earlier request created, or None if the caller may not manage it."""
        keys = ApiKey.objects.manageable_by(principal_of_request(self.request))
        row = keys.select_related("predecessor").filter(uuid=uuid).first()
        return None if row is None else serializers.RepeatedKey(row)

    def get_serializer_context(self) -> dict[str, Any]:
        return {"now": Origin.of(self.request._request).at, "caller": principal_of_request(self.request)}

    def _created(self, serializer: type[serializers.CreatedApiKey], made: Created) -> Response:
        """Return the answer about a new key, with the ETag of the key."""
        key, headers = made.result, {**made.headers, "ETag": preconditions.etag(made.result.row)}
        if isinstance(key, serializers.RepeatedKey):
            headers["Link"] = f'<{key.rotate}>; rel="related"; title="rotate"'
        shown = serializer(key, context=self.get_serializer_context())
        return self.created(shown.data, ids.public_id(self.resource, key.row), headers)

    @extend_schema(
        operation_id="create_api_key",
        request=serializers.CreateApiKeyRequest,
        parameters=idempotency.PARAMETERS,
        responses={201: serializers.CreatedApiKey, **idempotency.REFUSALS},
    )
    def create(self, request: Request) -> Response:
        members = requests.parse_body(serializers.CreateApiKeyRequest, request)
        owner = owner_for(principal_of_request(request), members.get("organization"))
        quota = members.get("quota")
        made: Created = once(
            request,
            members,
            lambda claim: api_keys.create_api_key(
                caller=caller_of(request),
                name=members["name"],
                description=members.get("description", ""),
                metadata=members.get("metadata", {}),
                owner=owner,
                granted=members.get("scopes", ()),
                environment=members.get("environment"),
                expires_at=members.get("expires_at"),
                attributes=members.get("attributes", {}),
                allowed_networks=members.get("allowed_networks", ()),
                rate_limit=members.get("rate_limit"),
                quota=None if quota is None else QuotaChanges(**quota),
                claim=claim,
            ),
            self.find_created,
        )
        return self._created(serializers.CreatedApiKey, made)

    @extend_schema(operation_id="update_api_key", request=serializers.UpdateApiKeyRequest)
    def partial_update(self, request: Request, pk: str) -> Response:
        key = self.get_object()
        changes = ApiKeyChanges(**requests.parse_body(serializers.UpdateApiKeyRequest, request))
        caller, expected = caller_of(request), self.expected
        return self.about(api_keys.update_api_key(caller=caller, key=key, changes=changes, expected=expected))

    @extend_schema(operation_id="revoke_api_key", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        named, expected = ids.lookup(self.resource, pk), self.expected
        revocation.revoke_api_key(caller=caller_of(request), named=named, expected=expected)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        operation_id="rotate_api_key",
        request=rotation_serializers.RotateApiKeyRequest,
        parameters=idempotency.PARAMETERS,
        responses={201: rotation_serializers.RotatedApiKey, **idempotency.REFUSALS},
    )
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, pk: str) -> Response:
        """Replace this key with a new one. The old key ends after the overlap."""
        key = self.get_object()
        sent = requests.parse_body(rotation_serializers.RotateApiKeyRequest, request)
        made: Created = once(
            request,
            sent,
            lambda claim: rotation.rotate_api_key(
                caller=caller_of(request),
                key=key,
                expires_at=sent.get("expires_at", key.expires_at),
                overlap=sent.get("overlap", rotation.NO_OVERLAP),
                when_quiet="finish" in sent,
                expected=self.expected,
                claim=claim,
            ),
            self.find_created,
        )
        return self._created(rotation_serializers.RotatedApiKey, made)

    @extend_schema(operation_id="disable_api_key", request=None)
    @action(detail=True, methods=["post"])
    def disable(self, request: Request, pk: str) -> Response:
        """Refuse requests with this key until somebody enables it."""
        caller, expected = caller_of(request), self.expected
        enabling.disable_api_keys(caller=caller, selected=[self.named_key()], expected=expected)
        return self.about(self.get_object())

    @extend_schema(operation_id="enable_api_key", request=None)
    @action(detail=True, methods=["post"])
    def enable(self, request: Request, pk: str) -> Response:
        """Accept requests with a disabled key again."""
        caller, expected = caller_of(request), self.expected
        enabling.enable_api_keys(caller=caller, selected=[self.named_key()], expected=expected)
        return self.about(self.get_object())

    @extend_schema(
        operation_id="get_api_key_usage",
        parameters=[report_serializers.UsageQuery],
        responses=report_serializers.UsageMember,
    )
    @action(detail=True, methods=["get"])
    def usage(self, request: Request, pk: str) -> Response:
        """How many requests with the key were allowed and refused, by the hour."""
        key = self.get_object()
        sent, now = (
            requests.parse_query(report_serializers.UsageQuery, request),
            Origin.of(request._request).at,
        )
        found = reports.report(key, start=sent.get("from"), end=sent.get("to"), now=now)
        return Response(report_serializers.UsageMember(found).data)


def owner_for(principal: Principal, organization: str | None) -> User | Organization:
    """Return the owner of a new key: the organization that the caller names, else the caller."""
    if organization is not None:
        return _organization(principal, organization)
    if principal.user_id is not None:
        return User.objects.get(pk=principal.user_id)
    return Organization.objects.get(pk=principal.organization_id or 0)


def _organization(principal: Principal, public_id: str) -> Organization:
    """Return the organization with this id. One in which the caller cannot create keys looks nonexistent."""
    reach = principal.reach(Capability.MANAGE_KEYS)
    within = (
        Organization.objects.all()
        if reach.everywhere
        else Organization.objects.filter(pk__in=reach.organizations)
    )
    try:
        found: Organization = ids.find("organization", within, public_id)
    except NotFound:
        raise Invalid("organization", "does not exist, or you may not create keys for it") from None
    return found


class ScopesView(APIView):
    """The scopes of this product."""

    needs: ClassVar[Needs] = {"get": "authenticated"}
    resource = "scope"

    @extend_schema(operation_id="list_scopes", responses=serializers.ScopeMember(many=True))
    def get(self, request: Request) -> Response:
        held = principal_of_request(request).scopes_anywhere
        catalogue = [
            {"name": name, "description": scope.description, "held": name in held}
            for name, scope in profiles.active().scopes.items()
        ]
        return Response(serializers.ScopeMember(catalogue, many=True).data)
