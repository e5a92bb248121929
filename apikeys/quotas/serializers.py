"""What the endpoints of quotas accept and return, in canonical members."""

from rest_framework import serializers

from access.key_limits import MOST_UNITS
from apikeys.quotas.models import Counts
from config.wire.fields import OneOfField, TimestampField, WholeNumberField
from config.wire.members import RequestSerializer, WireSerializer

COUNTS_HELP = (
    "`requests`: each allowed request is a unit, and services may report more; "
    "`reports`: only what services report"
)


def units_field(period: str) -> WholeNumberField:
    return WholeNumberField(
        min_value=1,
        max_value=MOST_UNITS,
        required=False,
        allow_null=True,
        help_text=f"most units {period}; null: no limit",
    )


class ChangeQuotaRequest(RequestSerializer):
    """All members are optional."""

    resource = "quota"
    may_be_empty = False

    day = units_field("in a day (UTC)")
    month = units_field("in a month (UTC)")
    total = units_field("in all")
    counts = OneOfField(Counts.values, help_text=COUNTS_HELP)


class BudgetMember(WireSerializer):
    """One budget, and what was used of it."""

    resource = "budget"

    most = serializers.IntegerField()
    used = serializers.IntegerField(help_text="includes units that servers have taken in advance")
    left = serializers.IntegerField()
    ends_at = TimestampField(allow_null=True, help_text="when the budget starts again; null: never")


class QuotaMember(WireSerializer):
    """The budgets of a key, or of all keys of an organization. null: no limit."""

    resource = "quota"

    day = BudgetMember(allow_null=True)
    month = BudgetMember(allow_null=True)
    total = BudgetMember(allow_null=True)
    counts = serializers.ChoiceField(Counts.values, help_text=COUNTS_HELP)
