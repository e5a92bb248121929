"""Sessions in the admin: list them and end them."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from access.backoffice.base import may, said_status
from access.backoffice.confirmation import Confirmation, ConfirmingAdmin
from access.backoffice.filters import Options, WordsFilter
from access.backoffice.humanize import ago, program
from access.backoffice.moments import moment_column, shown_ago
from access.callers import caller_in_admin
from accounts.models import Session, User
from accounts.sessions import services as sessions
from config.profiles import Capability

END = Confirmation(
    _("End sessions"),
    _("End"),
    _("The people in these sessions are logged out there and must log in again:"),
    _("session ended"),
    _("sessions ended"),
)


class StateFilter(WordsFilter):
    title, parameter_name = _("state"), "state"

    def options(self, request: HttpRequest) -> Options:
        live = Q(pk__in=Session.objects.live(timezone.now()).values("pk"))
        return {"live": (gettext("live"), live), "ended": (gettext("ended"), ~live)}


class SessionAdmin(ConfirmingAdmin):
    """Live sessions, and ended ones until `prune` deletes them, for administrators of people."""

    list_display = ("user", "program", "ip", "started", "last_seen", "second_factor", "state")
    list_display_links = None
    list_filter = (StateFilter, "second_factor")
    fields = (
        "user",
        "user_agent",
        "ip",
        "created",
        "last_seen_time",
        "expires",
        "second_factor",
        "state",
    )
    readonly_fields = ("created", "last_seen_time", "expires", "state")
    optional = frozenset({"user_agent", "ip"})
    created = moment_column("created_at", _("started"))
    last_seen_time = moment_column("last_seen_at", _("last seen"))
    expires = moment_column("expires_at", _("ends at the latest"))
    list_select_related = ("user",)
    search_fields = ("ip",)
    search_help_text = _("Beginning of a user name or e-mail address, or a whole IP address")
    actions = ("end",)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may(request, Capability.MANAGE_USERS)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, Capability.MANAGE_USERS)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Session], search_term: str
    ) -> tuple[QuerySet[Session], bool]:
        """Find sessions of people whose names begin with the term, and sessions from this IP address."""
        if not search_term:
            return queryset, False
        people = User.objects.beginning(search_term)
        return queryset.filter(Q(user_id__in=people) | Q(ip=search_term)), False

    @admin.display(description=_("program"), ordering="user_agent")
    def program(self, session: Session) -> SafeString:
        return format_html('<span title="{}">{}</span>', session.user_agent, program(session.user_agent))

    @admin.display(description=_("started"), ordering="created_at")
    def started(self, session: Session) -> SafeString:
        return shown_ago(session.created_at)

    @admin.display(description=_("last seen"), ordering="last_seen_at")
    def last_seen(self, session: Session) -> SafeString:
        return shown_ago(session.last_seen_at)

    @admin.display(description=_("state"))
    def state(self, session: Session) -> SafeString:
        """Return "live" or "ended"; a session ends by hand, by age or by idleness."""
        now = timezone.now()
        if session.ends_at <= now:
            return said_status(gettext("ended %(ago)s") % {"ago": ago(session.ends_at, now)}, "expired")
        return said_status(gettext("live"), "active")

    def in_words(self, session: Session) -> str:
        return gettext("%(user)s, %(program)s at %(address)s") % {
            "user": session.user,
            "program": program(session.user_agent),
            "address": session.ip,
        }

    @admin.action(description=_("End selected sessions"), permissions=["view"])
    def end(self, request: HttpRequest, selected: QuerySet[Session]) -> HttpResponse | None:
        service = partial(sessions.end_selected_sessions, caller=caller_in_admin(request))
        return self.ask(request, selected, END, service)
