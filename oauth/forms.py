"""The admin's forms for clients."""

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from access.backoffice.errors import said_in_page
from access.backoffice.forms import ChangeForm, TicketField, offer_rows
from access.principals import Principal
from accounts.models import Organization, User
from accounts.organizations.forms import OwnerForm
from accounts.users.names import clean_name
from config.wire.errors import DomainError
from oauth.models import OAuthClient
from oauth.protocol.redirect_uris import clean_redirect_uri
from oauth.protocol.scopes import catalogue

WIDE = {"class": "vTextField"}


class RedirectUris(forms.CharField):
    """A list of addresses, typed one per line."""

    def __init__(self, label: StrOrPromise, help_text: StrOrPromise) -> None:
        super().__init__(
            required=False,
            label=label,
            help_text=help_text,
            widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
        )

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value.split()) if isinstance(value, str) else value

    def clean(self, value: Any) -> list[str]:
        try:
            return [clean_redirect_uri(uri) for uri in super().clean(value).split()]
        except DomainError as error:
            raise forms.ValidationError(said_in_page(error)) from None


class ClientForm(ChangeForm[OAuthClient]):
    """Change a client."""

    redirect_uris = RedirectUris(
        _("Redirect addresses"),
        _(
            "One per line: https://…, or http:// on the person's own machine. Leave it empty for a machine, "
            "and for a client that only asks from devices."
        ),
    )
    post_logout_redirect_uris = RedirectUris(
        _("Addresses after logging out"),
        _("One per line: where people go after the client has logged them out."),
    )
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        choices=lambda: [(name, f"{name}: {words}") for name, words in catalogue().items()],
        widget=forms.CheckboxSelectMultiple,
        help_text=_(
            "The most that the client can get. It never gets more than the person who allows it has."
        ),
    )

    without_pkce = forms.BooleanField(
        required=False,
        label=_("Without PKCE"),
        help_text=_(
            "Only for a client that has a secret and cannot send a code_challenge. Then only the "
            "secret, the state and the nonce protect a stolen code."
        ),
    )

    device_grant = forms.BooleanField(
        required=False,
        label=_("Asks from devices"),
        help_text=_(
            "The client may show a code that people type at /device (RFC 8628): for command lines, and for "
            "devices without a browser."
        ),
    )

    class Meta:
        model = OAuthClient
        fields = (
            *("name", "redirect_uris", "post_logout_redirect_uris", "scopes", "without_pkce"),
            "device_grant",
        )

    def clean_name(self) -> str:
        try:
            return clean_name("name", self.cleaned_data["name"])
        except DomainError as error:
            raise forms.ValidationError(said_in_page(error)) from None


class NewClientForm(ClientForm, OwnerForm):
    """Register a client."""

    ticket = TicketField()
    is_public = forms.BooleanField(
        required=False, label=_("Public"), help_text=_("It cannot keep a secret: an app, a web page.")
    )
    field_order = (
        "name",
        "redirect_uris",
        "post_logout_redirect_uris",
        "is_public",
        "without_pkce",
        "device_grant",
        "user",
        "organization",
        "scopes",
    )

    def __init__(self, principal: Principal, data: Any = None) -> None:
        """Offer the caller and the people they may see, so that the list reveals no other names."""
        super().__init__(data)
        fields: dict[str, Any] = self.fields
        people = User.objects.visible_to(principal) | User.objects.filter(pk=principal.user_id or 0)
        offer_rows(fields["user"], OAuthClient._meta.get_field("user"), people.filter(is_active=True))
        organizations = Organization.objects.visible_to(principal)
        offer_rows(fields["organization"], OAuthClient._meta.get_field("organization"), organizations)
        fields["organization"].help_text = gettext("Only a machine has an owner.") + f" {self.EITHER}"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("user") and cleaned.get("organization"):
            self.add_error("user", self.EITHER)
        return cleaned
