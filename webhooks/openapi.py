"""Describes in the OpenAPI document which events a webhook can be for."""

from config.wire.openapi.fields import describe_words
from webhooks.event_names import MEANINGS, clean_events

describe_words(clean_events, "WebhookEvent", lambda: MEANINGS)
