"""The audit log in the admin: to read, never to change."""

import json

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from audit.models import Event
from config.admin import CapabilityAdmin, principal_in
from config.profiles import Capability
from config.wire import timestamp


@admin.register(Event)
class EventAdmin(CapabilityAdmin):
    can_read = frozenset({Capability.READ_AUDIT})
    list_display = ("sequence", "time", "name", "actor_label", "target_label", "ip")
    list_display_links = ("sequence", "name")
    list_filter = ("name", "actor_kind", "target_kind")
    search_fields = ("=actor_id", "=target_id", "actor_label", "target_label", "=ip", "=request_id")
    search_help_text = "Name, id, address or request id"
    fields = (
        *("sequence", "time", "name", "actor_kind", "actor_id", "actor_label"),
        *("target_kind", "target_id", "target_label", "ip", "request_id", "details", "hash_text"),
    )
    readonly_fields = ("time", "details", "hash_text")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        reach = principal_in(request).reach(Capability.READ_AUDIT)
        return Event.objects.seen_from(everywhere=reach.everywhere, organizations=reach.organizations)

    @admin.display(description="time (UTC)", ordering="occurred_at")
    def time(self, event: Event) -> str:
        return timestamp(event.occurred_at)

    @admin.display(description="Detail")
    def details(self, event: Event) -> str:
        return json.dumps(event.detail)

    @admin.display(description="Hash")
    def hash_text(self, event: Event) -> str:
        return bytes(event.hash).hex()
