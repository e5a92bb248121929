"""The console's forms for keys: the filter of the list, and a new key."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from access.backoffice.base import STATUSES
from access.principals import Principal
from accounts.models import Organization
from apikeys.admin.new_key_form import OwnerlessKeyForm
from apikeys.models import ApiKeyQuerySet
from audit.actors import Origin
from config import profiles
from console.keys.owners import ME, Choices, owners_to_make_for

LONGEST_SEARCH = 100


class KeyFilter(forms.Form):
    """Which of the visible keys the list shows: as the parameters of the API's list say it."""

    search = forms.CharField(
        required=False,
        max_length=LONGEST_SEARCH,
        label=_("Name or description"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    status = forms.ChoiceField(required=False, label=_("Status"), choices=[("", _("Any")), *STATUSES.items()])
    owner = forms.ChoiceField(required=False, label=_("Owner"))

    def __init__(self, owners: Choices, data: Any) -> None:
        super().__init__(data)
        fields: dict[str, Any] = self.fields
        fields["owner"].choices = [("", _("Any")), *owners.items()]

    def narrowed(self, rows: ApiKeyQuerySet, principal: Principal, origin: Origin) -> ApiKeyQuerySet:
        """Return the keys that the form asks for; none if its values are wrong."""
        if not self.is_valid():
            return rows.none()
        search, status, owner = (self.cleaned_data[name] for name in ("search", "status", "owner"))
        rows = rows.with_words(search) if search else rows
        rows = rows.with_status([status], origin.at) if status else rows
        if owner == ME:
            return rows.owned_by(principal)
        return rows.of_organization(Organization.objects.filter(uuid=owner)) if owner else rows


class NewKeyForm(OwnerlessKeyForm):
    """A new key for the person or for an organization. It asks for what leaves a choice."""

    field_order = ("name", "description", "owner", "environment", "scopes", "lifetime", "expires_at")

    owner = forms.ChoiceField(label=_("Owner"))

    def __init__(self, principal: Principal, data: Any) -> None:
        super().__init__(principal, data)
        fields: dict[str, Any] = self.fields
        owners = owners_to_make_for(principal)
        fields["owner"].choices = list(owners.items())
        fields["owner"].initial = next(iter(owners))
        if len(owners) == 1:
            fields["owner"].widget = forms.HiddenInput()
        if len(profiles.active().keys.environments) == 1:
            fields["environment"].widget = forms.HiddenInput()
        if not fields["scopes"].choices and not fields["scopes"].required:
            del fields["scopes"]

    def chosen_scopes(self) -> list[str]:
        """Return the scopes that were chosen. The form must be valid."""
        chosen: list[str] = self.cleaned_data.get("scopes", [])
        return chosen
