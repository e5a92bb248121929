"""The fields of a quota, in the admin's forms and in the console's."""

from datetime import date
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from access.backoffice.forms import KnowsChanges
from access.key_limits import MOST_UNITS
from accounts.models import Organization
from accounts.organizations.forms import OrganizationForm
from apikeys.admin.forms import KeyForm
from apikeys.models import ApiKey
from apikeys.quotas.changes import QuotaChanges
from apikeys.quotas.models import Counts
from apikeys.quotas.periods import day_of
from apikeys.quotas.reading import quota_of

QUOTA = "quota_"  # prefix of the fields
COUNTS = {
    Counts.REQUESTS: _("requests, and what services report"),
    Counts.REPORTS: _("only what services report"),
}


def _units_field(label: StrOrPromise, help_text: StrOrPromise = "") -> forms.IntegerField:
    return forms.IntegerField(
        required=False, min_value=1, max_value=MOST_UNITS, label=label, help_text=help_text
    )


class QuotaFields(forms.Form):
    """The budgets of a key, or those that all keys of an organization share. Services validate them again."""

    quota_day = _units_field(_("Units in a day (UTC)"), _("Empty: no limit."))
    quota_month = _units_field(_("Units in a month (UTC)"), _("Empty: no limit."))
    quota_total = _units_field(_("Units in all"), _("Empty: no limit. These never begin again."))
    quota_counts = forms.ChoiceField(
        required=False, choices=list(COUNTS.items()), initial=Counts.REQUESTS, label=_("What uses units")
    )

    def quota_changes(self) -> QuotaChanges | None:
        """Return what the person changed about the quota, if anything. The form must be valid."""
        changed = [name for name in self.changed_data if name.startswith(QUOTA)]
        values = {name.removeprefix(QUOTA): self.cleaned_data[name] for name in changed}
        given = {name: value for name, value in values.items() if value != ""}
        return QuotaChanges(**given) if given else None

    def new_quota(self) -> QuotaChanges | None:
        """Return the quota of something new, if the form has a budget. The form must be valid."""
        budgets = (self.cleaned_data[name] for name in ("quota_day", "quota_month", "quota_total"))
        return self.quota_changes() if any(budgets) else None


class QuotaForm(KnowsChanges, QuotaFields):
    """The quota of a key or of an organization, as it was shown."""

    def __init__(self, sent: Any, holder: ApiKey | Organization, today: date) -> None:
        super().__init__(sent, initial=_shown(holder, today))
        self.send_back()


class KeyWithQuotaForm(QuotaFields, KeyForm):
    """The settings of a key and its quota, in one form of the admin."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.update(_shown(self.instance, day_of(timezone.now())))

    def changes(self) -> dict[str, Any]:
        """Return the settings that the person changed, without the quota."""
        return _without_quota(super().changes())


class OrganizationWithQuotaForm(QuotaFields, OrganizationForm):
    """The settings of an organization and the quota of its keys, in one form of the admin."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial.update(_shown(self.instance, day_of(timezone.now())))

    def changes(self) -> dict[str, Any]:
        """Return the settings that the person changed, without the quota."""
        return _without_quota(super().changes())


def _shown(holder: ApiKey | Organization, today: date) -> dict[str, Any]:
    """Return the values of the fields."""
    found = quota_of(holder, today)
    budgets = {"day": found.day, "month": found.month, "total": found.total}
    most = {QUOTA + period: budget and budget.most for period, budget in budgets.items()}
    return {**most, "quota_counts": found.counts}


def _without_quota(changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in changes.items() if not name.startswith(QUOTA)}
