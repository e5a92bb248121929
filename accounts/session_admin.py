"""Where people are logged in, in the admin: look, and end."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.callers import caller_in_admin
from accounts.models import Session
from accounts.services import sessions
from config.admin import CapabilityAdmin, may
from config.profiles import Capability


class SessionAdmin(CapabilityAdmin):
    """Sessions that have not ended, for administrators of people. The list can be searched by person."""

    list_display = ("user", "user_agent", "ip", "created_at", "last_seen_at", "expires_at")
    list_display_links = None
    fields = list_display
    list_select_related = ("user",)
    search_fields = ("user__username", "user__email", "ip")
    actions = ("end",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Session]:
        return Session.objects.live(timezone.now())

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may(request, Capability.MANAGE_USERS)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, Capability.MANAGE_USERS)

    @admin.action(description="End selected sessions", permissions=["view"])
    def end(self, request: HttpRequest, selected: QuerySet[Session]) -> None:
        rows = list(selected)
        for session in rows:
            sessions.end_session(caller=caller_in_admin(request), session=session)
        messages.success(request, f"Sessions ended: {len(rows)}.")
