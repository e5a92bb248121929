"""The admin's forms for keys."""

from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.core import signing

from accounts.models import Organization, User
from accounts.principals import Principal
from apikeys.services.api_keys import REASON_LENGTH
from config import profiles
from config.profiles import Capability

FORM_SECONDS = 24 * 3600
WIDE = {"class": "vTextField"}


class NewKeyForm(forms.Form):
    """Make a key. `ticket` is the signed uuid that the key will have: a form makes one key, once."""

    required_css_class = "required"

    name = forms.CharField(max_length=100, widget=forms.TextInput(attrs=WIDE))
    user = forms.ModelChoiceField(User.objects.none(), required=False, label="Owner: a person")
    organization = forms.ModelChoiceField(
        Organization.objects.none(), required=False, label="or an organization"
    )
    environment = forms.ChoiceField()
    scopes = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple, help_text="What the key may do. None: nothing."
    )
    expires_at = forms.DateTimeField(
        required=False,
        label="Expires at (UTC)",
        help_text="Empty: never.",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )
    ticket = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, principal: Principal, data: Any = None) -> None:
        super().__init__(data, initial={"ticket": new_ticket(), "user": principal.user_id})
        profile = profiles.active()
        self.fields["user"].queryset = _people(principal)  # type: ignore[attr-defined]
        self.fields["organization"].queryset = _organizations(principal)  # type: ignore[attr-defined]
        self.fields["environment"].choices = [(n, n) for n in profile.keys.environments]  # type: ignore[attr-defined]
        self.fields["environment"].initial = profile.keys.default_environment
        self.fields["scopes"].choices = [  # type: ignore[attr-defined]
            (name, f"{name}: {scope.description}")
            for name, scope in profile.scopes.items()
            if name in principal.scopes_anywhere
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if bool(cleaned.get("user")) == bool(cleaned.get("organization")):
            self.add_error("user", "Choose a person or an organization, one of them.")
        return cleaned

    def clean_ticket(self) -> UUID:
        try:
            return UUID(_signer().unsign(self.cleaned_data["ticket"], max_age=FORM_SECONDS))
        except (signing.BadSignature, ValueError):
            raise forms.ValidationError("This form is too old. Open it again.") from None


class RevokeForm(forms.Form):
    """Why keys are revoked."""

    reason = forms.CharField(
        max_length=REASON_LENGTH,
        required=False,
        widget=forms.TextInput(attrs=WIDE),
        help_text="For the audit log.",
    )


def new_ticket() -> str:
    return _signer().sign(str(uuid4()))


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt="new key form")


def _people(principal: Principal) -> Any:
    if principal.may(Capability.MANAGE_KEYS):
        return User.objects.filter(is_active=True)
    return User.objects.filter(pk=principal.user_id or 0)


def _organizations(principal: Principal) -> Any:
    reach = principal.reach(Capability.MANAGE_KEYS)
    return (
        Organization.objects.all()
        if reach.everywhere
        else Organization.objects.filter(pk__in=reach.organizations)
    )
