"""The forms of a webhook, in the console and in the admin. Services validate what they send again."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from access.backoffice.forms import KnowsChanges, RowField, TicketField, offer_rows
from access.principals import Principal
from accounts.models import Organization
from webhooks.authority import may_manage, organizations_of
from webhooks.models import LONGEST_DESCRIPTION, LONGEST_URL, Webhook

MOST_CHARACTERS = 5_000  # of the list of events
MADE_BEFORE = _("This form has already set up its webhook, whose secret is shown only once.")


class WebhookForm(forms.Form):
    url = forms.CharField(
        max_length=LONGEST_URL,
        label=_("URL"),
        widget=forms.URLInput(
            attrs={"autocomplete": "off", "placeholder": "https://", "class": "vTextField"}
        ),
    )
    description = forms.CharField(
        max_length=LONGEST_DESCRIPTION,
        required=False,
        label=_("Description"),
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    events = forms.CharField(
        max_length=MOST_CHARACTERS,
        required=False,
        label=_("Events"),
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "class": "vLargeTextField"}),
        help_text=_("One name a line, such as api_key.revoked. Empty: all events."),
    )

    def clean_events(self) -> list[str]:
        text: str = self.cleaned_data["events"]
        return text.split()


class EditWebhookForm(KnowsChanges, WebhookForm):
    """A webhook as it was shown; an old page undoes no newer change of somebody else."""

    def __init__(self, sent: Any, webhook: Webhook) -> None:
        shown = {"url": webhook.url, "description": webhook.description, "events": "\n".join(webhook.events)}
        super().__init__(sent, initial=shown)
        self.send_back()


class ReplaceSecretForm(forms.Form):
    """The button that replaces a webhook's secret."""

    ticket = TicketField()


class NewWebhookForm(WebhookForm):
    """A webhook of an organization that is known."""

    ticket = TicketField()


class NewWebhookOfAnyForm(NewWebhookForm):
    """Asks also whose events to send."""

    organization = RowField(Organization.objects.none(), label=_("Organization"))
    field_order = ("organization", "url", "description", "events")

    def __init__(self, principal: Principal, sent: Any) -> None:
        """Offer the organizations whose webhooks the caller may manage, and, if they may, all together."""
        super().__init__(sent)
        field: Any = self.fields["organization"]
        offer_rows(field, Webhook._meta.get_field("organization"), organizations_of(principal))
        if may_manage(principal, None):
            field.required = False
            field.help_text = _("Empty: the events of all organizations and people.")
