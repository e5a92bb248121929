"""The endpoints of webhooks."""

from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from access.callers import caller_of, principal_of_request
from access.permissions import Needs
from accounts.idempotency import openapi as idempotency
from accounts.idempotency.requests import Made, once
from accounts.models import Organization
from config.profiles import Capability
from config.wire import ids, preconditions, requests
from config.wire.errors import Invalid, NotFound
from config.wire.views import EditedViewSet
from webhooks import serializers
from webhooks.changes import WebhookChanges
from webhooks.models import Webhook, WebhookQuerySet
from webhooks.services import secrets, sending, webhooks
from webhooks.services.webhooks import NewWebhook

SEE = frozenset({Capability.READ_AUDIT})
MANAGE = frozenset({Capability.MANAGE_KEYS})  # and SEE, which the services check


@extend_schema_view(
    list=extend_schema(operation_id="list_webhooks"),
    retrieve=extend_schema(operation_id="get_webhook"),
)
class WebhookViewSet(ListModelMixin, EditedViewSet[Webhook]):
    """The webhooks whose events the caller may read."""

    resource = "webhook"
    queryset = Webhook.objects.none()
    serializer_class = serializers.WebhookMember
    list_query = serializers.WebhookQuery
    needs: ClassVar[Needs] = {
        **dict.fromkeys(("list", "retrieve", "deliveries"), SEE),
        **dict.fromkeys(("create", "partial_update", "destroy", "rotate", "test"), MANAGE),
    }
    of_people = frozenset({"create", "partial_update", "destroy", "rotate", "test"})
    conditional = frozenset({"partial_update", "destroy", "rotate"})
    tagged = frozenset({"retrieve", "create", "partial_update", "rotate"})

    def get_queryset(self) -> WebhookQuerySet:
        rows = Webhook.objects.visible_to(principal_of_request(self.request))
        return rows.select_related("organization")

    def _find_made(self, uuid: UUID) -> NewWebhook | None:
        """Return a webhook that an earlier request made, without its secret."""
        row = self.get_queryset().filter(uuid=uuid).first()
        return None if row is None else NewWebhook(row, None)

    def _shown(self, made: Made[NewWebhook]) -> dict[str, Any]:
        shown: dict[str, Any] = serializers.NewWebhookMember(
            made.result.row, context={"secret": made.result.secret}
        ).data
        return shown

    @extend_schema(
        operation_id="create_webhook",
        request=serializers.CreateWebhookRequest,
        parameters=idempotency.PARAMETERS,
        responses={201: serializers.NewWebhookMember, **idempotency.REFUSALS},
    )
    def create(self, request: Request) -> Response:
        sent = requests.parse_body(serializers.CreateWebhookRequest, request)
        organization = self._organization(sent.get("organization"))
        made = once(
            request,
            sent,
            lambda claim: webhooks.create_webhook(
                caller=caller_of(request),
                url=sent["url"],
                organization=organization,
                events=sent.get("events", ()),
                description=sent.get("description", ""),
                claim=claim,
            ),
            self._find_made,
        )
        headers = {**made.headers, "ETag": preconditions.etag(made.result.row)}
        return self.created(self._shown(made), ids.public_id(self.resource, made.result.row), headers)

    def _organization(self, public_id: str | None) -> Organization | None:
        """Return this organization. One whose events the caller may not read looks nonexistent."""
        if public_id is None:
            return None
        reach = principal_of_request(self.request).reach(Capability.READ_AUDIT)
        rows: QuerySet[Organization] = Organization.objects.all()
        try:
            found: Organization = ids.find(
                "organization",
                rows if reach.everywhere else rows.filter(pk__in=reach.organizations),
                public_id,
            )
        except NotFound:
            raise Invalid("organization", "does not exist, or you may not read its events") from None
        return found

    @extend_schema(operation_id="update_webhook", request=serializers.UpdateWebhookRequest)
    def partial_update(self, request: Request, pk: str) -> Response:
        webhook = self.get_object()
        changes = WebhookChanges(**requests.parse_body(serializers.UpdateWebhookRequest, request))
        caller, expected = caller_of(request), self.expected
        return self.about(
            webhooks.update_webhook(caller=caller, webhook=webhook, changes=changes, expected=expected)
        )

    @extend_schema(operation_id="delete_webhook", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        webhook, expected = self.get_object(), self.expected
        webhooks.delete_webhook(caller=caller_of(request), webhook=webhook, expected=expected)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        operation_id="rotate_webhook_secret",
        request=serializers.RotateSecretRequest,
        parameters=idempotency.PARAMETERS,
        responses={200: serializers.NewWebhookMember, **idempotency.REFUSALS},
    )
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, pk: str) -> Response:
        """Give the webhook another secret. The one before signs, too, until the overlap ends."""
        webhook = self.get_object()
        sent = requests.parse_body(serializers.RotateSecretRequest, request)
        made = once(
            request,
            sent,
            lambda claim: secrets.rotate_secret(
                caller=caller_of(request),
                webhook=webhook,
                overlap=timedelta(hours=sent["overlap_hours"]),
                expected=self.expected,
                claim=claim,
            ),
            self._find_made,
        )
        headers = {**made.headers, "ETag": preconditions.etag(made.result.row)}
        return Response(self._shown(made), headers=headers)

    @extend_schema(operation_id="test_webhook", request=None, responses={202: None})
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """Have a test message sent."""
        sending.send_test(caller=caller_of(request), webhook=self.get_object())
        return Response(status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        operation_id="list_webhook_deliveries", responses=serializers.LastDeliveriesMember, filters=False
    )
    @action(detail=True, methods=["get"], pagination_class=None)
    def deliveries(self, request: Request, pk: str) -> Response:
        """The last attempts to send something, the newest first."""
        found = self.get_object().deliveries.all()
        return Response(serializers.LastDeliveriesMember({"deliveries": found}).data)
