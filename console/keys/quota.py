"""/account/keys/<uuid>/quota: how much a key may use."""

from typing import Any

from django import forms
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apikeys.admin.quota_form import QuotaForm
from apikeys.quotas.periods import day_of
from apikeys.quotas.services import change_key_quota
from console.keys.one import ChangePage


class QuotaOfKeyPage(ChangePage):
    """Changes the budgets of a key and of the keys that count with it."""

    title = gettext_lazy("Change the quota")
    words = gettext_lazy(
        "The keys that this key replaced, and those that replace it, share its quota. What was used stays."
    )
    button = gettext_lazy("Save")

    def form(self, sent: Any) -> forms.Form:
        self.asked = QuotaForm(sent, self.key, day_of(self.now))
        return self.asked

    def act(self, values: dict[str, Any]) -> HttpResponse:
        if changes := self.asked.quota_changes():
            change_key_quota(caller=self.caller, key=self.key, changes=changes)
        return self.said(_("The quota is saved."))
