"""What the endpoint that rotates a key accepts and returns."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apikeys.durations import parse_duration
from apikeys.serializers import CreatedApiKey, check_expiry
from apikeys.services import rotation
from apikeys.services.rotation import LONGEST_OVERLAP
from config import profiles
from config.wire.fields import OneOfField, RuledField, TimestampField, said_by_field
from config.wire.members import RequestSerializer

WHEN_QUIET = "when_quiet"
MOST_SECONDS = int(LONGEST_OVERLAP.total_seconds())


@extend_schema_field(
    {
        "oneOf": [
            {"type": "integer", "minimum": 0, "maximum": MOST_SECONDS},
            {"type": "string", "pattern": "^[1-9][0-9]{0,8}[smhdw]$"},
        ]
    }
)
class DurationField(RuledField):
    """A duration: a number of seconds, or a text such as 24h."""

    def to_internal_value(self, data: Any) -> timedelta:
        if isinstance(data, str):
            with said_by_field():
                return parse_duration("overlap", data)
        if type(data) is not int or not 0 <= data <= MOST_SECONDS:
            raise serializers.ValidationError(f"Send 0 to {MOST_SECONDS} seconds, or a text such as 24h.")
        return timedelta(seconds=data)


class RotateApiKeyRequest(RequestSerializer):
    resource = "api_key"

    overlap = DurationField(
        required=False,
        rule=rotation.check_overlap,
        help_text=f"how long the old key stays valid beside the new one, at most {LONGEST_OVERLAP.days}d; "
        "without it, the old key is revoked at once",
    )
    expires_at = TimestampField(
        required=False,
        allow_null=True,
        rule=check_expiry,
        help_text="expiry of the new key; default: that of the old one",
    )
    finish = OneOfField(
        [WHEN_QUIET],
        help_text="`when_quiet`: the old key is revoked once the new one was used and the old one was not "
        "used for the profile's `rotation.quiet_hours`; needs `overlap`",
    )

    def declared(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().declared()
        if profiles.active().rotation.quiet_hours is None:
            del fields["finish"]
        return fields


class RotatedApiKey(CreatedApiKey):
    """A new key that replaces another, and the time when the old one ends."""

    predecessor_ends_at = TimestampField(allow_null=True)

    def _members(self, declared: Iterable[str]) -> Iterable[str]:
        return dict.fromkeys(("id", *super()._members(declared), "predecessor_ends_at"))
