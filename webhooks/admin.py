"""Webhooks in the admin: see, set up, disable and delete them. The console and the API change them."""

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from access.backoffice.base import holds, said_status
from access.backoffice.confirmation import Confirmation, ConfirmingAdmin
from access.backoffice.filters import Options, WordsFilter
from access.backoffice.moments import moment_column, said_at_second
from access.callers import caller_in_admin, principal_in
from access.freshness import check_fresh
from accounts.sessions.admin_site import made_with
from config.profiles import Capability
from webhooks.forms import MADE_BEFORE, NewWebhookOfAnyForm
from webhooks.models import Webhook
from webhooks.services.many import delete_webhooks, disable_webhooks
from webhooks.services.webhooks import create_webhook

SHOWN = 20  # deliveries
TEMPLATES = "admin/webhooks/webhook"

DISABLE = Confirmation(
    _("Disable webhooks"),
    _("Disable"),
    _(
        "Nothing is sent to these receivers until somebody enables their webhook again. It then continues "
        "after the last event that arrived:"
    ),
    _("webhook disabled"),
    _("webhooks disabled"),
)
DELETE = Confirmation(
    _("Delete webhooks"),
    _("Delete"),
    _("Nothing is sent to these receivers any more:"),
    _("webhook deleted"),
    _("webhooks deleted"),
)


class StateFilter(WordsFilter):
    title, parameter_name = _("state"), "state"

    def options(self, request: HttpRequest) -> Options:
        enabled = Q(disabled_at=None)
        return {
            "active": (gettext("active"), enabled & Q(failing_since=None)),
            "failing": (gettext("failing"), enabled & Q(failing_since__isnull=False)),
            "disabled": (gettext("disabled"), ~enabled),
        }


@admin.register(Webhook)
class WebhookAdmin(ConfirmingAdmin):
    can_read = frozenset({Capability.READ_AUDIT})
    can_write = frozenset({Capability.MANAGE_KEYS})
    created = moment_column("created_at", _("created"))
    list_display = ("host", "organization", "state", "subscriber", "created")
    list_filter = (StateFilter,)
    list_select_related = ("organization", "subscriber")
    search_fields = ("description",)
    fields = (
        *("url", "description", "organization", "chosen", "subscriber", "created", "state", "why"),
        "last_deliveries",
    )
    readonly_fields = fields
    optional = frozenset({"description", "organization", "subscriber", "why", "last_deliveries"})
    actions = ("disable", "delete")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Webhook]:
        return Webhook.objects.visible_to(principal_in(request))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return holds(request, self.can_read) and holds(request, self.can_write)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_stop_permission(self, request: HttpRequest) -> bool:
        """Whether the caller may use the actions. Services check the rows."""
        return holds(request, self.can_write)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Show the form, set the webhook up, and show its secret in the answer to the form."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            check_fresh(caller_in_admin(request))
        form = NewWebhookOfAnyForm(principal_in(request), request.POST if request.method == "POST" else None)
        made = made_with(form, request, lambda: self._make(request, dict(form.cleaned_data)))
        return made or self.page(request, f"{TEMPLATES}/new.html", gettext("Set up a webhook"), form=form)

    def _make(self, request: HttpRequest, values: dict[str, Any]) -> HttpResponse:
        """Set the webhook up and show its secret. Sent again, the form does nothing. Raises DomainError."""
        ticket = values.pop("ticket")
        try:
            made = create_webhook(caller=caller_in_admin(request), uuid=ticket, **values)
        except IntegrityError:
            made_before = Webhook.objects.get(uuid=ticket)
            messages.warning(request, MADE_BEFORE)
            return HttpResponseRedirect(reverse("admin:webhooks_webhook_change", args=[made_before.pk]))
        return self.page(request, f"{TEMPLATES}/secret.html", gettext("Copy the secret now"), made=made)

    @admin.display(description=_("host"))
    def host(self, webhook: Webhook) -> str:
        return str(webhook)

    @admin.display(description=_("events"))
    def chosen(self, webhook: Webhook) -> str:
        return ", ".join(webhook.events) or gettext("all")

    @admin.display(description=_("state"))
    def state(self, webhook: Webhook) -> SafeString:
        if not webhook.is_enabled:
            return said_status(gettext("disabled"), "disabled")
        if webhook.failing_since:
            return said_status(gettext("failing"), "expired")
        return said_status(gettext("active"), "active")

    @admin.display(description=_("why it is disabled"))
    def why(self, webhook: Webhook) -> str:
        return webhook.get_stop_display()

    @admin.display(description=_("last deliveries"))
    def last_deliveries(self, webhook: Webhook) -> SafeString:
        lines = (
            (said_at_second(each.sent_at), each.event, each.status or each.problem)
            for each in webhook.deliveries.all()[:SHOWN]
        )
        return format_html_join("", "{} · {} · {}<br>", lines)

    def in_words(self, webhook: Webhook) -> str:
        where = webhook.organization or gettext("no organization")
        return gettext("%(host)s, for %(organization)s") % {"host": webhook, "organization": where}

    @admin.action(description=_("Disable selected webhooks"), permissions=["stop"])
    def disable(self, request: HttpRequest, selected: QuerySet[Webhook]) -> HttpResponse | None:
        service = partial(disable_webhooks, caller=caller_in_admin(request))
        return self.ask(request, selected, DISABLE, service)

    @admin.action(description=_("Delete selected webhooks"), permissions=["stop"])
    def delete(self, request: HttpRequest, selected: QuerySet[Webhook]) -> HttpResponse | None:
        service = partial(delete_webhooks, caller=caller_in_admin(request))
        return self.ask(request, selected, DELETE, service)
