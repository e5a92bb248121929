"""How the use of a key is asked for and shown, in canonical members."""

from typing import Any

from rest_framework import serializers

from config.wire.fields import TimestampField
from config.wire.members import RequestSerializer, WireSerializer

Fields = dict[str, serializers.Field[Any, Any, Any, Any]]


class UsageQuery(RequestSerializer):
    """The query parameters: from and to."""

    resource = "usage"

    to = TimestampField(required=False, help_text="until before this hour; without it, now")

    def declared(self) -> Fields:
        words = "from this hour on, at most 90 days before `to`; without it, seven days"
        return {"from": TimestampField(required=False, help_text=words)} | super().declared()


class TotalMember(WireSerializer):
    resource = "usage_total"

    allowed = serializers.IntegerField()
    refused = serializers.IntegerField()


class HourMember(WireSerializer):
    resource = "usage_hour"

    hour = TimestampField(source="begins_at")
    allowed = serializers.IntegerField()
    refused = serializers.IntegerField()


class DayMember(WireSerializer):
    resource = "usage_day"

    day = TimestampField(source="begins_at")
    allowed = serializers.IntegerField()
    refused = serializers.IntegerField()


class UsageMember(WireSerializer):
    """Requests with a key that were let in, and those that were refused although there is the key.

    Hours without any are left out. Days are those of longer ago, of which the hours are no longer known.
    """

    resource = "usage"

    to = TimestampField(source="end")
    total = TotalMember()
    last_used_at = TimestampField(source="key.last_used_at", allow_null=True)
    last_used_ip = serializers.CharField(source="key.last_used_ip")
    hours = HourMember(many=True)
    days = DayMember(many=True)

    def declared(self) -> Fields:
        return {"from": TimestampField(source="start")} | super().declared()
