"""What is left of quotas, on pages."""

from datetime import date

from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from apikeys.models import ApiKey
from apikeys.quotas.reading import Budget, Shown, quota_of

LEFT = {
    "day": _("%(left)s of %(most)s units left today (UTC)"),
    "month": _("%(left)s of %(most)s units left this month (UTC)"),
    "total": _("%(left)s of %(most)s units left in all"),
}


def left_of(holder: ApiKey | Organization, today: date) -> str:
    """Return what is left of the holder's quota; "" without one."""
    return said(quota_of(holder, today))


def said(quota: Shown) -> str:
    """Return what is left of each budget; "" without one."""
    budgets = ((text, getattr(quota, period)) for period, text in LEFT.items())
    return "; ".join(str(text) % _grouped(budget) for text, budget in budgets if budget)


def _grouped(budget: Budget) -> dict[str, str]:
    """Return the numbers as people read them: 20,000."""
    numbers = {"left": budget.left, "most": budget.most}
    return {name: number_format(number, force_grouping=True) for name, number in numbers.items()}
