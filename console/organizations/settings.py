"""A new organization, and the settings of one: its name, a second factor, its end."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.backoffice.forms import KnowsChanges
from access.backoffice.paginator import counted
from accounts.organizations import services as organizations
from accounts.organizations.changes import OrganizationChanges
from apikeys.quotas.periods import day_of
from apikeys.quotas.words import left_of
from config.profiles import Capability
from console.base import FormPage
from console.organizations.base import OrganizationPage


class NewOrganizationForm(forms.Form):
    name = forms.CharField(
        max_length=100,
        label=gettext_lazy("Name"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class SettingsForm(KnowsChanges, NewOrganizationForm):
    """The settings as they were shown; an old page undoes no newer change of somebody else."""

    requires_second_factor = forms.BooleanField(
        required=False,
        label=gettext_lazy("Require a second factor"),
        help_text=gettext_lazy("Roles here apply only after a login with a second factor."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.send_back()


class NewOrganizationPage(FormPage):
    """Creates an organization, for callers who may manage all of them."""

    section = "organizations"
    template = "organizations/new.html"
    form_class = NewOrganizationForm

    def get(self, request: HttpRequest, **options: Any) -> HttpResponse:
        self.caller.principal.require(
            lambda who: who.may(Capability.MANAGE_ORGANIZATIONS), "You may not manage organizations."
        )
        return super().get(request, **options)

    def act(self, values: dict[str, Any]) -> HttpResponse:
        made = organizations.create_organization(caller=self.caller, name=values["name"])
        return self.done(_("The organization is created."), "console-organization", made.uuid)


class SettingsPage(FormPage, OrganizationPage):
    """Renames an organization, and says whether it requires a second factor."""

    tab = "settings"
    template = "organizations/settings.html"

    def form(self, sent: Any) -> forms.Form:
        shown = {name: getattr(self.organization, name) for name in SettingsForm.base_fields}
        self.asked = SettingsForm(sent, initial=shown)
        return self.asked

    def context(self) -> dict[str, Any]:
        return {"quota": left_of(self.organization, day_of(self.caller.origin.at))}

    def act(self, values: dict[str, Any]) -> HttpResponse:
        changes = OrganizationChanges(**self.asked.changes())
        organizations.update_organization(caller=self.caller, organization=self.organization, changes=changes)
        return self.done(
            _("The settings are saved."), "console-organization-settings", self.organization.uuid
        )


class DeletePage(FormPage, OrganizationPage):
    """Says what is deleted with an organization, and asks before it deletes it."""

    tab = "settings"
    template = "organizations/delete.html"
    form_class = forms.Form

    def context(self) -> dict[str, Any]:
        keys = self.organization.api_keys
        return {
            "working_keys": counted(keys.filter(revoked_at__isnull=True)),
            "revoked_keys": counted(keys.filter(revoked_at__isnull=False)),
            "members": counted(self.organization.memberships.all()),
            "invitations": counted(self.organization.invitations.all()),
            "clients": counted(self.organization.oauth_clients.all()),
            "webhooks": counted(self.organization.webhooks.all()),
        }

    def act(self, values: dict[str, Any]) -> HttpResponse:
        organizations.delete_organization(caller=self.caller, organization=self.organization)
        text = _("%(organization)s is deleted.") % {"organization": self.organization}
        return self.done(text, "console-organizations")
