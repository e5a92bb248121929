"""The webhooks of an organization: set up, change, test, rotate, disable and delete them."""

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

from django import forms
from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django_stubs_ext import StrOrPromise

from access.backoffice.forms import EXPIRED
from accounts.idempotency.forms import SENT_BEFORE, once_by_form
from config.profiles import Capability
from config.wire.errors import Invalid, NotFound
from console.base import FormPage
from console.organizations.base import OrganizationPage
from webhooks.authority import may_manage
from webhooks.changes import WebhookChanges
from webhooks.forms import MADE_BEFORE, EditWebhookForm, NewWebhookForm, ReplaceSecretForm
from webhooks.models import Webhook
from webhooks.services import secrets, sending, webhooks

SHOWN = 20  # deliveries


class OfWebhooks(OrganizationPage):
    """A page for those who may read the events of the organization."""

    tab = "webhooks"
    for_managers = False

    @cached_property
    def organization(self) -> Any:
        """The organization. Raises NotFound, or NotAllowed for those who may not read its events."""
        found = super().organization
        self.caller.principal.require(
            lambda who: who.may(Capability.READ_AUDIT, found.pk), "You may not see webhooks here."
        )
        return found

    def page(self, template: str, **context: Any) -> HttpResponse:
        changes = may_manage(self.caller.principal, self.organization.pk)
        return super().page(f"organizations/webhooks/{template}", may_change=changes, **context)


class WebhooksPage(OfWebhooks):
    """The webhooks of the organization, the newest first."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, **_: Any) -> HttpResponse:
        rows = Webhook.objects.filter(organization=self.organization).select_related("subscriber")
        return self.page("list.html", webhooks=rows, most=webhooks.MOST_OF_ONE)


class NewWebhookPage(FormPage, OfWebhooks):
    """Sets up a webhook, and shows its secret once."""

    template = "new.html"
    form_class = NewWebhookForm
    needs_fresh_login = True

    def act(self, values: dict[str, Any]) -> HttpResponse:
        """Set the webhook up and show its secret. A form that is sent again sets up and shows nothing."""
        ticket = values.pop("ticket")
        try:
            made = webhooks.create_webhook(
                caller=self.caller, organization=self.organization, uuid=ticket, **values
            )
        except IntegrityError:
            messages.warning(self.request, MADE_BEFORE)
            return HttpResponseRedirect(reverse("console-webhook", args=[self.organization.uuid, ticket]))
        return self.page("secret.html", made=made)


class OfOneWebhook(OfWebhooks):
    """A page of the webhook in the path."""

    @cached_property
    def webhook(self) -> Webhook:
        """The webhook in the path. Raises NotFound."""
        rows = Webhook.objects.filter(organization=self.organization).select_related("subscriber")
        found = rows.filter(uuid=self.kwargs["webhook"]).first()
        if found is None:
            raise NotFound("This webhook does not exist, or was deleted.")
        return found


class WebhookPage(OfOneWebhook):
    """One webhook, what may be done with it, and its last deliveries."""

    def get(self, request: HttpRequest, **_: Any) -> HttpResponse:
        deliveries = self.webhook.deliveries.all()[:SHOWN]
        return self.page("one.html", webhook=self.webhook, deliveries=deliveries, form=ReplaceSecretForm())

    def post(self, request: HttpRequest, **_: Any) -> HttpResponse:
        acts: dict[str, Callable[[], HttpResponse]] = {
            "test": self._test,
            "rotate": self._rotate,
            "enable": lambda: self._turn(is_enabled=True),
            "disable": lambda: self._turn(is_enabled=False),
        }
        act = acts.get(request.POST.get("action", ""))
        if act is None:
            raise Invalid("action", "must be one of the buttons of this page")
        return act()

    def _test(self) -> HttpResponse:
        sending.send_test(caller=self.caller, webhook=self.webhook)
        return self._back(_("A test message is sent within seconds. Reload this page to see its answer."))

    def _rotate(self) -> HttpResponse:
        """Replace the secret and show the new one. A form that is sent again does and shows nothing."""
        form = ReplaceSecretForm(self.request.POST)
        if not form.is_valid():
            return self._warn(EXPIRED)
        replace = partial(secrets.rotate_secret, caller=self.caller, webhook=self.webhook)
        ticket = form.cleaned_data["ticket"]
        made = once_by_form(self.caller, "webhook secret", ticket, lambda claim: replace(claim=claim))
        return self._warn(SENT_BEFORE) if made is None else self.page("secret.html", made=made)

    def _warn(self, text: StrOrPromise) -> HttpResponse:
        messages.warning(self.request, text)
        return HttpResponseRedirect(self.request.path)

    def _turn(self, *, is_enabled: bool) -> HttpResponse:
        changes = WebhookChanges(enabled=is_enabled)
        webhooks.update_webhook(caller=self.caller, webhook=self.webhook, changes=changes)
        return self._back(_("The webhook is enabled.") if is_enabled else _("The webhook is disabled."))

    def _back(self, text: str) -> HttpResponse:
        return self.done(text, "console-webhook", self.organization.uuid, self.webhook.uuid)


class EditWebhookPage(FormPage, OfOneWebhook):
    """Changes where a webhook sends, which events it sends, and its description."""

    template = "edit.html"
    needs_fresh_login = True

    def form(self, sent: Any) -> forms.Form:
        self.asked = EditWebhookForm(sent, self.webhook)
        return self.asked

    def context(self) -> dict[str, Any]:
        return {"webhook": self.webhook}

    def act(self, values: dict[str, Any]) -> HttpResponse:
        changes = WebhookChanges(**self.asked.changes())
        webhooks.update_webhook(caller=self.caller, webhook=self.webhook, changes=changes)
        return self.done(
            _("The webhook is saved."), "console-webhook", self.organization.uuid, self.webhook.uuid
        )


class DeleteWebhookPage(FormPage, OfOneWebhook):
    """Asks before it deletes a webhook."""

    template = "delete.html"
    form_class = forms.Form

    def context(self) -> dict[str, Any]:
        return {"webhook": self.webhook}

    def act(self, values: dict[str, Any]) -> HttpResponse:
        webhooks.delete_webhook(caller=self.caller, webhook=self.webhook)
        return self.done(_("The webhook is deleted."), "console-webhooks", self.organization.uuid)
