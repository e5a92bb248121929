"""The audit log in the admin: read-only, with export as CSV."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from access.audit_log.filters import ActorFilter, DayFilter, KindFilter, TimeFilter
from access.backoffice.base import CapabilityAdmin
from access.backoffice.csv import csv_response
from access.backoffice.moments import shown_at_second
from access.callers import principal_in
from audit.log import Verification, verify
from audit.models import Event, EventQuerySet
from config.database.rows import in_parts
from config.profiles import Capability
from config.wire.fields import timestamp

MOST_CHECKED = 500
EXPORTED = (
    "sequence",
    "time",
    "name",
    "actor_kind",
    "actor_id",
    "actor_label",
    "target_kind",
    "target_id",
    "target_label",
    "ip",
    "request_id",
    "detail",
    "hash",
)


@admin.register(Event)
class EventAdmin(CapabilityAdmin):
    can_read = frozenset({Capability.READ_AUDIT})
    list_display = ("sequence", "time", "name", "actor_label", "target_label", "ip")
    list_display_links = ("sequence", "name")
    list_filter = (KindFilter, TimeFilter, DayFilter, ActorFilter, "name")
    sortable_by = ("sequence", "time", "name", "ip")  # only these have an index that orders
    search_fields = ("name",)  # shows the search field; get_search_results searches
    search_help_text = _(
        "An event, id, address or request id, or the beginning of an actor's or target's name"
    )
    actions = actions_of_any_size = ("export",)
    fields = (
        "sequence",
        "time",
        "name",
        "actor_kind",
        "actor_id",
        "actor_label",
        "target_kind",
        "target_id",
        "target_label",
        "ip",
        "request_id",
        "details",
        "hash_text",
    )
    readonly_fields = ("time", "details", "hash_text")
    optional = frozenset(
        {"actor_id", "actor_label", "target_kind", "target_id", "target_label", "ip", "request_id", "details"}
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        reach = principal_in(request).reach(Capability.READ_AUDIT)
        return Event.objects.seen_from(everywhere=reach.everywhere, organizations=reach.organizations)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Event], search_term: str
    ) -> tuple[QuerySet[Event], bool]:
        """Filter by the search term, using indexes only: the table may hold millions of events."""
        found: EventQuerySet = queryset  # type: ignore[assignment]
        return (found.matching(search_term.strip()) if search_term else queryset), False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Django's, plus the state of the chain for people who may read every event."""
        everything = principal_in(request).reach(Capability.READ_AUDIT).everywhere
        chain: Verification | None = verify(newest_only=MOST_CHECKED) if everything else None
        return super().changelist_view(
            request, {**(extra_context or {}), "chain": chain, "checked": MOST_CHECKED}
        )

    @admin.action(description=_("Export selected events as CSV"), permissions=["view"])
    def export(self, request: HttpRequest, selected: QuerySet[Event]) -> HttpResponseBase:
        rows = (self._exported(event) for event in in_parts(selected))
        return csv_response("audit-log.csv", EXPORTED, rows, principal_in(request).user_id)

    def _exported(self, event: Event) -> list[Any]:
        said = {
            "time": timestamp(event.occurred_at),
            "detail": json.dumps(event.detail),
            "hash": self.hash_text(event),
        }
        return [said[name] if name in said else getattr(event, name) for name in EXPORTED]

    @admin.display(description=_("time"), ordering="occurred_at")
    def time(self, event: Event) -> SafeString:
        return shown_at_second(event.occurred_at)

    @admin.display(description=_("Detail"))
    def details(self, event: Event) -> SafeString | str:
        return format_html("<code>{}</code>", json.dumps(event.detail)) if event.detail else ""

    @admin.display(description=_("Hash"))
    def hash_text(self, event: Event) -> str:
        return bytes(event.hash).hex()
