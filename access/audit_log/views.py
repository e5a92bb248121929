"""The audit endpoint: read only."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.mixins import ListModelMixin

from access.audit_log.feed import EventPages
from access.audit_log.serializers import AuditEventMember, EventQuery
from access.callers import principal_of_request
from audit.models import Event, EventQuerySet
from config.profiles import Capability
from config.wire.views import ResourceViewSet


@extend_schema_view(list=extend_schema(operation_id="list_events"))
class EventViewSet(ListModelMixin, ResourceViewSet[Event]):
    """The audit log: every event for a global auditor, else the events of the caller's organizations."""

    resource = "event"
    queryset = Event.objects.none()
    serializer_class = AuditEventMember
    list_query = EventQuery
    pagination_class = EventPages
    needs: ClassVar[dict[str, Any]] = {"list": frozenset({Capability.READ_AUDIT})}

    def get_queryset(self) -> EventQuerySet:
        reach = principal_of_request(self.request).reach(Capability.READ_AUDIT)
        return Event.objects.seen_from(everywhere=reach.everywhere, organizations=reach.organizations)
