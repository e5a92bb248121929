"""The audit endpoint: read only."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from audit.models import Event, EventQuerySet
from audit.serializers import EventFilter, EventMember
from config.profiles import Capability
from config.query import sent_once

COLUMNS = {
    "event": "name",
    "actor": "actor_id",
    "target": "target_id",
    "since": "occurred_at__gte",
    "until": "occurred_at__lt",
}


class EventViewSet(GenericViewSet[Event]):
    """What happened: everything for an auditor of everything, else one's organizations' events."""

    resource = "event"
    queryset = Event.objects.none()
    serializer_class = EventMember
    needs: ClassVar[dict[str, Any]] = {"list": frozenset({Capability.READ_AUDIT})}

    def get_queryset(self) -> EventQuerySet:
        reader: Any = self.request.user  # an accounts.principals.Principal
        reach = reader.reach(Capability.READ_AUDIT)
        return Event.objects.seen_from(everywhere=reach.everywhere, organizations=reach.organizations)

    @extend_schema(operation_id="list_events", parameters=[EventFilter])
    def list(self, request: Request) -> Response:
        wanted = EventFilter(data=sent_once(request))
        wanted.is_valid(raise_exception=True)
        filters = {COLUMNS[name]: value for name, value in wanted.validated_data.items()}
        page = self.paginate_queryset(self.get_queryset().filter(**filters))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)
