"""The audit endpoint: read only."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.mixins import ListModelMixin

from access.audit_log.serializers import EventFilter, EventMember
from access.callers import principal_of_request
from audit.models import Event, EventQuerySet
from config.profiles import Capability
from config.wire import requests
from config.wire.views import ResourceViewSet

COLUMNS = {
    "event": "name",
    "actor": "actor_id",
    "target": "target_id",
    "since": "occurred_at__gte",
    "until": "occurred_at__lt",
}


@extend_schema_view(list=extend_schema(operation_id="list_events", parameters=[EventFilter]))
class EventViewSet(ListModelMixin, ResourceViewSet[Event]):
    """The audit log: every event for a global auditor, else the events of the caller's organizations."""

    resource = "event"
    queryset = Event.objects.none()
    serializer_class = EventMember
    needs: ClassVar[dict[str, Any]] = {"list": frozenset({Capability.READ_AUDIT})}

    def get_queryset(self) -> EventQuerySet:
        reach = principal_of_request(self.request).reach(Capability.READ_AUDIT)
        return Event.objects.seen_from(everywhere=reach.everywhere, organizations=reach.organizations)

    def filter_queryset(self, queryset: Any) -> Any:
        wanted = requests.parse_query(EventFilter, self.request)
        return queryset.filter(**{COLUMNS[name]: value for name, value in wanted.items()})
