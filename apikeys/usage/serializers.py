"""What the usage endpoint accepts and returns, in canonical members."""

from typing import Any

from rest_framework import serializers

from config.wire.fields import TimestampField
from config.wire.members import RequestSerializer, WireSerializer

Fields = dict[str, serializers.Field[Any, Any, Any, Any]]


class UsageQuery(RequestSerializer):
    """The query parameters: from and to."""

    resource = "usage"

    to = TimestampField(required=False, help_text="end of the span, exclusive; default: now")

    def declared(self) -> Fields:
        words = "start of the span, at most 90 days before `to`; default: 7 days before `to`"
        return {"from": TimestampField(required=False, help_text=words)} | super().declared()


class UsageTotalMember(WireSerializer):
    resource = "usage_total"

    allowed = serializers.IntegerField()
    refused = serializers.IntegerField()


class UsageHourMember(WireSerializer):
    resource = "usage_hour"

    hour = TimestampField(source="begins_at")
    allowed = serializers.IntegerField()
    refused = serializers.IntegerField()


class UsageDayMember(WireSerializer):
    resource = "usage_day"

    day = TimestampField(source="begins_at")
    allowed = serializers.IntegerField()
    refused = serializers.IntegerField()


class UsageMember(WireSerializer):
    """The allowed and the refused requests with a key. Empty hours are left out.

    Older requests are counted by the day.
    """

    resource = "usage"

    to = TimestampField(source="end")
    total = UsageTotalMember()
    last_used_at = TimestampField(source="key.last_used_at", allow_null=True)
    last_used_ip = serializers.CharField(source="key.last_used_ip")
    hours = UsageHourMember(many=True)
    days = UsageDayMember(many=True)

    def declared(self) -> Fields:
        return {"from": TimestampField(source="start")} | super().declared()
