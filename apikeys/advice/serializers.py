"""What the key endpoints say about scopes that a key does not need, in canonical members."""

from datetime import datetime
from typing import NamedTuple

from rest_framework import serializers

from apikeys.advice.services import REGRET, may_widen
from apikeys.advice.unneeded import DAYS, Advice, advice_for
from apikeys.models import ApiKey
from config.wire.fields import TimestampField
from config.wire.members import WireSerializer


class KeyAdvice(NamedTuple):
    """Which scopes a key needs, and until when it gets back those that narrowing took from it."""

    advice: Advice
    days: int
    may_be_widened_until: datetime | None

    @classmethod
    def about(cls, key: ApiKey, now: datetime) -> "KeyAdvice":
        """Return what is known about the scopes of a key. One query."""
        until = key.narrowed_at + REGRET if key.narrowed_at and may_widen(key, now) else None
        return cls(advice_for(key, now) or Advice([], key.scopes), DAYS, until)


class KeyAdviceMember(WireSerializer):
    resource = "api_key_advice"

    unneeded = serializers.ListField(
        child=serializers.CharField(),
        source="advice.unneeded",
        help_text="scopes that the key did not need in these days; `narrow` removes them",
    )
    kept = serializers.ListField(
        child=serializers.CharField(), source="advice.kept", help_text="the scopes that it would keep"
    )
    days = serializers.IntegerField(
        help_text="how long a key must have been in use before anything is said about it"
    )
    may_be_widened_until = TimestampField(
        allow_null=True, help_text="until when `widen` gives back what `narrow` took; null: nothing to give"
    )
