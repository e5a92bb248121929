"""What the webhook endpoints accept and return, in canonical members."""

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework import serializers

from config.wire.fields import (
    BoundedListField,
    SearchField,
    StrictBooleanField,
    TextField,
    TimestampField,
    WholeNumberField,
)
from config.wire.ids import IdField, SentIdField
from config.wire.lists.order import STORED, Column
from config.wire.lists.query import ListQuery
from config.wire.members import RequestSerializer, WireSerializer
from webhooks.event_names import NAMES, clean_events
from webhooks.models import LONGEST_DESCRIPTION, LONGEST_URL, Stop
from webhooks.services.webhooks import clean_description
from webhooks.urls_allowed import clean_url

LONGEST_OVERLAP_HOURS = 168


class WebhookMember(WireSerializer):
    """A webhook, without its secret."""

    resource = "webhook"

    id = IdField("webhook")
    organization = IdField("organization", source="organization", allow_null=True)
    url = serializers.CharField()
    description = serializers.CharField()
    events = serializers.ListField(child=serializers.CharField())
    enabled = serializers.BooleanField(source="is_enabled")
    disabled_at = TimestampField(allow_null=True)
    disabled_because = serializers.ChoiceField(choices=[*Stop.values, ""], source="stop")
    failing_since = TimestampField(allow_null=True)
    created_at = TimestampField()


class NewWebhookMember(WebhookMember):
    """A webhook with a new secret, which is shown once. A repeated request shows null."""

    secret = serializers.SerializerMethodField()

    def get_secret(self, _: Any) -> str | None:
        secret: str | None = self.context.get("secret")
        return secret


class WebhookQuery(ListQuery):
    """The query parameters of the list of webhooks."""

    resource = "webhook"
    orderings: ClassVar[Mapping[str, Column]] = {"created_at": STORED}

    search = SearchField("text in the URL or the description")


class DeliveryMember(WireSerializer):
    """One attempt to send a message."""

    resource = "webhook_delivery"

    message_id = serializers.UUIDField()
    event = serializers.CharField()
    sent_at = TimestampField()
    milliseconds = serializers.IntegerField()
    status = serializers.IntegerField(allow_null=True)
    problem = serializers.CharField()


class LastDeliveriesMember(WireSerializer):
    """The last attempts, the newest first."""

    resource = "webhook_deliveries"

    deliveries = DeliveryMember(many=True)


def events_field() -> BoundedListField:
    """Return the field of the events that a webhook is for."""
    return BoundedListField(
        child=TextField(max_length=50),
        max_length=len(NAMES),
        rule=clean_events,
        required=False,
        help_text="names such as api_key.revoked; empty: all",
    )


def description_field() -> TextField:
    return TextField(max_length=LONGEST_DESCRIPTION, required=False, allow_blank=True, rule=clean_description)


class CreateWebhookRequest(RequestSerializer):
    resource = "webhook"

    url = TextField(max_length=LONGEST_URL, rule=clean_url)
    organization = SentIdField(
        "organization", required=False, help_text="whose events to send; without it, those of all"
    )
    events = events_field()
    description = description_field()


class UpdateWebhookRequest(RequestSerializer):
    """All members are optional."""

    resource = "webhook"

    url = TextField(max_length=LONGEST_URL, required=False, rule=clean_url)
    events = events_field()
    description = description_field()
    enabled = StrictBooleanField(required=False)


class RotateSecretRequest(RequestSerializer):
    resource = "webhook"

    overlap_hours = WholeNumberField(
        min_value=0,
        max_value=LONGEST_OVERLAP_HOURS,
        default=24,
        help_text="how long the old secret also signs messages",
    )
