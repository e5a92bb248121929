"""What the key endpoints take and give, in canonical members."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from rest_framework import serializers

from apikeys.models import ApiKey
from config import profiles
from config.profiles.schema import Attribute, ChoiceAttribute
from config.wire import (
    IdField,
    RequestSerializer,
    SentIdField,
    StrictBooleanField,
    TextField,
    TimestampField,
    WireSerializer,
)

MOST_SCOPES = 200
CREATED = ("id", "name", "key", "key_prefix", "scopes", "expires_at", "created_at")


def attribute_fields(path: str = "") -> dict[str, serializers.Field[Any, Any, Any, Any]]:
    """The profile's attributes as fields, found in `attributes` of what stands at `path`."""
    return {
        name: _attribute_field(form, source=f"{path}attributes.{name}", default=form.default)
        for name, form in profiles.active().keys.attributes.items()
    }


def _attribute_field(form: Attribute, **options: Any) -> serializers.Field[Any, Any, Any, Any]:
    if isinstance(form, ChoiceAttribute):
        return serializers.ChoiceField(choices=form.choices, help_text=form.description, **options)
    return StrictBooleanField(help_text=form.description, **options)


class ListFilter(RequestSerializer):
    """The query parameters of the list: the profile's attributes."""

    resource = "api_key"

    def declared(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return dict(self.choices())

    def choices(self) -> dict[str, serializers.ChoiceField]:
        """Each attribute, with the words that it can be."""
        return {
            name: serializers.ChoiceField(
                choices=getattr(form, "choices", ("true", "false")),
                required=False,
                help_text=form.description,
            )
            for name, form in profiles.active().keys.attributes.items()
        }


class CreateRequest(RequestSerializer):
    resource = "api_key"

    name = TextField(max_length=100)
    scopes = serializers.ListField(child=TextField(max_length=64), required=False, max_length=MOST_SCOPES)
    environment = TextField(max_length=64, required=False)
    expires_at = TimestampField(required=False, allow_null=True)
    organization = SentIdField("organization", required=False, help_text="id of the owner, if not you")

    def declared(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().declared() | attribute_fields()
        fields["scopes"].required = profiles.active().keys.scopes_required
        return fields


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

    def declared(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return super().declared() | attribute_fields()

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
    last_used_at = TimestampField(source="row.last_used_at", allow_null=True)

    def declared(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return super().declared() | attribute_fields("row.")

    def _members(self, declared: Iterable[str]) -> Iterable[str]:
        return profiles.active().wire.members.get(self.resource, CREATED)


class ScopeMember(WireSerializer):
    """One scope of the product, and whether the caller holds it."""

    resource = "scope"

    name = serializers.CharField()
    description = serializers.CharField()
    held = serializers.BooleanField(help_text="whether the credential that asks has this scope")
