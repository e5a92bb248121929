"""What all admin pages have in common: capabilities decide, services write."""

import re
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.exceptions import DisallowedModelAdminToField
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import TO_FIELD_VAR
from django.contrib.admin.utils import flatten_fieldsets, unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from access.backoffice.changelist import UNDECLARED, DeclaredChangeList, check_query
from access.backoffice.errors import translated
from access.backoffice.paginator import CappedPaginator
from access.callers import principal_if_any
from config.profiles import Capability
from config.wire.errors import BadQuery, DomainError, FreshProofRequired
from config.wire.quoting import shown

MOST_AT_ONCE = 500  # rows; nobody reviews a longer selection
ROW_NUMBER = re.compile(r"[0-9]{1,18}")


class CapabilityAdmin(admin.ModelAdmin[Any]):
    """A ModelAdmin whose pages require a capability, and whose writes are service calls.

    One capability of `can_read` or `can_write` is enough; subclasses restrict the rows in `get_queryset`.
    Django's own change log is off, because the audit log records every change. The admin site shows the
    errors that services raise (accounts.sessions.admin_site).
    """

    can_read: ClassVar[frozenset[Capability]] = frozenset()
    can_write: ClassVar[frozenset[Capability]] = frozenset()
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # each facet would count all rows
    list_per_page = 50
    view_on_site = False  # no row has a page outside the admin
    paginator = CappedPaginator
    actions_of_any_size: ClassVar[tuple[str, ...]] = ()  # they only send what they read
    optional: ClassVar[frozenset[str]] = frozenset()  # what a row without a value does not show, if read-only

    def has_module_permission(self, request: HttpRequest) -> bool:
        return holds(request, self.can_read)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return holds(request, self.can_read)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return holds(request, self.can_write)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return holds(request, self.can_write)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Do nothing: see the class."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Do nothing: see the class."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Do nothing: see the class."""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Django's, and none for a new row: it has only what the form asks for."""
        return super().get_readonly_fields(request, obj) if obj else ()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Django's, without read-only `optional` fields that the row has no value for."""
        found = super().get_fieldsets(request, obj)
        fixed = self.readonly_fields if holds(request, self.can_write) else flatten_fieldsets(found)
        empty = {each for each in self.optional.intersection(fixed) if obj and not self._value(obj, each)}
        return [
            (title, {**options, "fields": [each for each in options["fields"] if each not in empty]})
            for title, options in found
        ]

    def _value(self, row: Any, name: str) -> Any:
        own = getattr(self, name, None)
        return own(row) if callable(own) else getattr(row, name)

    def action_checkbox(self, obj: Any) -> SafeString:
        """Django's, labelled with the row alone."""
        return format_html(
            '<input type="checkbox" name="{}" value="{}" class="action-select" aria-label="{}">',
            *(ACTION_CHECKBOX_NAME, obj.pk, gettext("Select %(row)s") % {"row": obj}),
        )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[DeclaredChangeList]:
        return DeclaredChangeList

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Django's. Raises BadQuery for a query that no link or form of the list sends."""
        check_query(request.GET)
        try:
            return super().get_changelist_instance(request)
        except DisallowedModelAdminToField:
            raise BadQuery(TO_FIELD_VAR, "is not a field that identifies these rows") from None

    def get_sortable_by(self, request: HttpRequest) -> list[Any]:
        """Django's, without `__str__`: Django would link its header but sort nothing."""
        return [name for name in super().get_sortable_by(request) if name != "__str__"]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Django's, which refuses relations early. DeclaredChangeList refuses the rest."""
        if not super().lookup_allowed(lookup, value, request):
            raise BadQuery(shown(lookup), UNDECLARED)
        return True

    def response_action(self, request: HttpRequest, queryset: Any, *where: Any) -> Any:
        """Django's, after a check of the selection. Every action runs through it, before and after asking."""
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if not all(ROW_NUMBER.fullmatch(each) for each in chosen):
            messages.error(request, gettext("The selection is malformed. Nothing was done."))
            return None
        across = request.POST.get("select_across") == "1"
        wanted = queryset[: MOST_AT_ONCE + 1].count() if across else len(chosen)
        if wanted > MOST_AT_ONCE and request.POST.get("action") not in self.actions_of_any_size:
            messages.error(
                request, gettext("Select at most %(most)d rows. Nothing was done.") % {"most": MOST_AT_ONCE}
            )
            return None
        return super().response_action(request, queryset, *where)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Django's, for a primary key in ASCII digits: " 1", "1_0" and other scripts' digits find nothing."""
        return super().get_object(request, object_id, from_field) if ROW_NUMBER.fullmatch(object_id) else None

    def page(self, request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
        """Return a page of our own below this list. Nobody may store it, nor any page of the admin."""
        values = {**self.admin_site.each_context(request), "opts": self.opts, "title": title, **context}
        return TemplateResponse(request, template, values)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Redirect to the row's events in the audit log."""
        row = self.get_object(request, unquote(object_id))
        if row is None or not self.has_view_permission(request, row):
            raise Http404
        return HttpResponseRedirect(f"{reverse('admin:audit_event_changelist')}?{urlencode({'q': row.uuid})}")


STATUSES = {  # the words for what is stored
    "active": _("active"),
    "expiring": _("expiring"),
    "expired": _("expired"),
    "disabled": _("disabled"),
    "revoked": _("revoked"),
}


def said_status(word: str, kind: str = "") -> SafeString:
    """Return a status as a coloured word; `kind` is the status that gives the colour, if not `word`."""
    return format_html('<span class="status {}">{}</span>', kind or word, STATUSES.get(word, word))


def may(request: HttpRequest, capability: Capability, organization_id: int | None = None) -> bool:
    """Whether the person who uses the admin may do this, in the organization or everywhere."""
    principal = principal_if_any(request)
    return principal is not None and principal.may(capability, organization_id)


def holds(request: HttpRequest, capabilities: frozenset[Capability]) -> bool:
    """Whether the person who uses the admin has one of the capabilities anywhere."""
    principal = principal_if_any(request)
    return principal is not None and any(principal.may_somewhere(each) for each in capabilities)


def add_error(form: BaseForm, error: DomainError) -> None:
    """Show a service's error beside the field that it is about; for an old login, the page that renews it."""
    if isinstance(error, FreshProofRequired):
        form.add_error(None, ValidationError(_ask_for_proof()))
        return
    for member, reason in error.errors.items() or [("", error.detail)]:
        form.add_error(member if member in form.fields else None, ValidationError(translated(reason)))


def _ask_for_proof() -> SafeString:
    """Return what a person with an old login can do. The link opens a new tab: the form stays."""
    words = gettext("You logged in a while ago, so nothing was changed. %(link)s, then send this form again.")
    page, link = reverse("proof-page"), gettext("Confirm that it is you")
    return format_html(words % {"link": '<a href="{}" target="_blank">{}</a>'}, page, link)
