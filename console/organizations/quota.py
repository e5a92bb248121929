"""/account/organizations/<uuid>/quota: how much the keys of an organization may use together."""

from typing import Any

from django import forms
from django.http import HttpResponse
from django.utils.translation import gettext as _

from apikeys.admin.quota_form import QuotaForm
from apikeys.quotas.periods import day_of
from apikeys.quotas.services import change_organization_quota
from apikeys.quotas.words import left_of
from console.base import FormPage
from console.organizations.base import OrganizationPage


class QuotaPage(FormPage, OrganizationPage):
    """Changes the budgets that all keys of an organization share."""

    tab = "settings"
    template = "organizations/quota.html"

    def form(self, sent: Any) -> forms.Form:
        self.asked = QuotaForm(sent, self.organization, day_of(self.caller.origin.at))
        return self.asked

    def context(self) -> dict[str, Any]:
        return {"left": left_of(self.organization, day_of(self.caller.origin.at))}

    def act(self, values: dict[str, Any]) -> HttpResponse:
        if changes := self.asked.quota_changes():
            change_organization_quota(caller=self.caller, organization=self.organization, changes=changes)
        return self.done(_("The quota is saved."), "console-organization-settings", self.organization.uuid)
