"""What the key endpoints take and give, in canonical members."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from apikeys.models import ApiKey
from apikeys.services.api_keys import NewKey
from config.wire import IdField, RequestSerializer, SentIdField, TextField, TimestampField, WireSerializer

MOST_SCOPES = 200


class CreateRequest(RequestSerializer):
    resource = "api_key"

    name = TextField(max_length=100)
    scopes = serializers.ListField(child=TextField(max_length=64), required=False, max_length=MOST_SCOPES)
    environment = TextField(max_length=64, required=False)
    expires_at = TimestampField(required=False, allow_null=True)
    organization = SentIdField("organization", required=False, help_text="id of the owner, if not you")


class RenameRequest(RequestSerializer):
    resource = "api_key"

    name = TextField(max_length=100)


class ApiKeyMember(WireSerializer):
    """A key's facts; never its text."""

    resource = "api_key"

    id = IdField("api_key")
    name = serializers.CharField()
    key_prefix = serializers.CharField()
    environment = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    user = IdField("user", source="user", allow_null=True)
    organization = IdField("organization", source="organization", allow_null=True)
    status = serializers.SerializerMethodField()
    expires_at = TimestampField(allow_null=True)
    created_at = TimestampField()
    revoked_at = TimestampField(allow_null=True)
    last_used_at = TimestampField(allow_null=True)
    last_used_ip = serializers.CharField()
    use_count = serializers.IntegerField()

    def get_status(self, key: ApiKey) -> str:
        now: datetime = self.context["now"]
        return key.status(now)


class CreatedApiKey(WireSerializer):
    """A new key with its text: the only answer that holds it."""

    resource = "api_key_created"

    id = IdField("api_key", source="row")
    name = serializers.CharField(source="row.name")
    key = serializers.CharField(source="text")
    key_prefix = serializers.CharField(source="row.key_prefix")
    scopes = serializers.ListField(child=serializers.CharField(), source="row.scopes")
    expires_at = TimestampField(source="row.expires_at", allow_null=True)
    created_at = TimestampField(source="row.created_at")


class ScopeMember(WireSerializer):
    """One scope of the product, and whether the caller holds it."""

    resource = "scope"

    name = serializers.CharField()
    description = serializers.CharField()
    held = serializers.BooleanField(help_text="whether the credential that asks has this scope")


def created(key: NewKey) -> dict[str, Any]:
    """Return the answer to a creation, for the API and for `createapikey --json`."""
    return dict(CreatedApiKey(key).data)
