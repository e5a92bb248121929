"""What the key endpoints accept and return, in canonical members."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from rest_framework import serializers

from access.key_limits import LONGEST_WINDOW, MOST_NETWORKS, MOST_REQUESTS, Rate, read_allowed_network
from accounts.users.names import check_name
from apikeys import attributes
from apikeys.models import ApiKey, Status
from apikeys.quotas.serializers import ChangeQuotaRequest
from apikeys.services import api_keys
from config import profiles
from config.profiles.keys import Attribute, ChoiceAttribute
from config.wire.fields import (
    BoundedListField,
    OneOfField,
    PairsField,
    StrictBooleanField,
    TextField,
    TimestampField,
    WholeNumberField,
    fault_of,
)
from config.wire.ids import IdField, SentIdField, public_id
from config.wire.members import RequestSerializer, WireSerializer

MOST_SCOPES = 200
# First, in this order
CREATED = ("id", "name", "key", "key_prefix", "scopes", "expires_at", "created_at")


def attribute_fields(path: str = "") -> dict[str, serializers.Field[Any, Any, Any, Any]]:
    """Return the profile's attributes as fields. Their values are in `attributes` of the object at `path`."""
    return {
        name: _attribute_field(form, source=f"{path}attributes.{name}", default=form.default)
        for name, form in profiles.active().keys.attributes.items()
    }


def _attribute_field(form: Attribute, **options: Any) -> serializers.Field[Any, Any, Any, Any]:
    if isinstance(form, ChoiceAttribute):
        return OneOfField(form.choices, help_text=form.description, **options)
    return StrictBooleanField(help_text=form.description, **options)


class RateLimitMember(RequestSerializer):
    """A rate limit of a key.

    Servers that share a Valkey count its requests together. Without Valkey, each worker process allows an
    equal share of the limit, and at least one request.
    """

    resource = "rate_limit"

    requests = WholeNumberField(min_value=1, max_value=MOST_REQUESTS)
    seconds = WholeNumberField(
        min_value=1,
        max_value=LONGEST_WINDOW,
        help_text="length of the window, which begins with its first request",
    )

    def to_internal_value(self, data: Any) -> Rate:
        return Rate(**super().to_internal_value(data))


def networks_field() -> BoundedListField:
    return BoundedListField(
        child=TextField(max_length=64, rule=read_allowed_network),
        max_length=MOST_NETWORKS,
        required=False,
        help_text="IPv4 and IPv6 addresses and networks (CIDR) that may use the key; empty: all",
    )


def description_field() -> TextField:
    return TextField(
        max_length=attributes.DESCRIPTION_LENGTH,
        required=False,
        allow_blank=True,
        rule=attributes.clean_description,
        help_text="what the key is for; may have several lines",
    )


def _with_notes(
    fields: dict[str, serializers.Field[Any, Any, Any, Any]],
) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
    """Return the fields; those of notes only if the profile has notes."""
    hidden = frozenset() if profiles.active().keys.notes else attributes.NOTES
    return {name: field for name, field in fields.items() if name not in hidden}


def check_expiry(expires_at: datetime | None) -> None:
    """Raise Invalid for an expiry in the past, or later than the profile allows for a key created now."""
    api_keys.check_expiry(expires_at, timezone.now())


class CreateApiKeyRequest(RequestSerializer):
    resource = "api_key"

    name = TextField(max_length=100, rule=check_name)
    description = description_field()
    metadata = PairsField(
        required=False, rule=attributes.clean_metadata, help_text="texts by name, for your own use"
    )
    scopes = BoundedListField(
        child=TextField(max_length=64), required=False, max_length=MOST_SCOPES, rule=api_keys.check_scopes
    )
    environment = TextField(max_length=64, required=False, rule=api_keys.check_environment)
    expires_at = TimestampField(required=False, allow_null=True, rule=check_expiry)
    organization = SentIdField("organization", required=False, help_text="id of the owner; default: you")
    allowed_networks = networks_field()
    rate_limit = RateLimitMember(required=False, allow_null=True)
    quota = ChangeQuotaRequest(required=False, allow_null=True)

    def declared(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = _with_notes(super().declared()) | attribute_fields()
        if not profiles.active().keys.quotas:
            del fields["quota"]
        if days := profiles.active().keys.longest_days:
            _require_expiry(fields["expires_at"], days)
        fields["scopes"].required = profiles.active().keys.scopes_required
        return fields


def _require_expiry(field: serializers.Field[Any, Any, Any, Any], days: int) -> None:
    field.required, field.allow_null = True, False
    field.help_text = f"at most {days} days from now"
    missing = fault_of(check_expiry, None) or ""
    field.error_messages |= {"required": missing, "null": missing}


class UpdateApiKeyRequest(RequestSerializer):
    resource = "api_key"
    may_be_empty = False

    name = TextField(max_length=100, required=False, rule=check_name)
    description = description_field()
    metadata = PairsField(
        required=False,
        allow_null=True,
        rule=attributes.check_metadata_changes,
        help_text="pairs to set, and with null as value pairs to remove (RFC 7396); null: remove all pairs",
    )
    allowed_networks = networks_field()
    rate_limit = RateLimitMember(required=False, allow_null=True)

    def declared(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return _with_notes(super().declared())


class ApiKeyMember(WireSerializer):
    """A key's metadata, never the key itself."""

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
    disabled_at = TimestampField(allow_null=True)
    allowed_networks = serializers.ListField(child=serializers.CharField())
    rate_limit = RateLimitMember(allow_null=True)
    description = serializers.CharField()
    metadata = PairsField()
    last_used_at = TimestampField(allow_null=True)
    last_used_ip = serializers.CharField()
    use_count = serializers.IntegerField()

    def declared(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return _with_notes(super().declared()) | attribute_fields()

    def get_status(self, key: ApiKey) -> Status:
        now: datetime = self.context["now"]
        return key.status(now)


@dataclass(frozen=True)
class RepeatedKey:
    """A key that an earlier request with the same Idempotency-Key created, as it is now, without its text."""

    row: ApiKey
    text: None = None

    @property
    def predecessor_ends_at(self) -> datetime | None:
        """When the key that this one replaces ends or ended; None if it was deleted."""
        old = self.row.predecessor
        return None if old is None else old.revoked_at or old.expires_at

    @property
    def rotate(self) -> str:
        """The path of the request that replaces the key with one whose text is known."""
        return reverse("api-key-rotate", kwargs={"pk": public_id("api_key", self.row)})


class CreatedApiKey(ApiKeyMember):
    """A new key with its text, which no other response contains; beside it, what GET shows of the key."""

    resource = "api_key_created"

    key = serializers.CharField(
        source="text",
        allow_null=True,
        help_text="null if an earlier request with this Idempotency-Key made it",
    )
    rotate = serializers.CharField(
        required=False, help_text="only if `key` is null: POST to this path to get a key with a text"
    )

    def declared(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Read the members of the key from the `row` of a NewKey."""
        fields = super().declared()
        for name, field in ApiKeyMember(context=self.context).declared().items():
            if not isinstance(field, serializers.SerializerMethodField):
                field.source = "row" if field.source == "*" else f"row.{field.source or name}"
                fields[name] = field
        return fields

    def _members(self, declared: Iterable[str]) -> Iterable[str]:
        shown = profiles.active().wire.members
        members = dict.fromkeys((*CREATED, *shown.get("api_key", declared)))
        return shown.get(self.resource) or [*(name for name in members if name != "rotate"), "rotate"]

    def get_status(self, key: Any) -> Status:
        return super().get_status(key.row)


class ScopeMember(WireSerializer):
    """One scope of the product, and whether the caller holds it."""

    resource = "scope"

    name = serializers.CharField()
    description = serializers.CharField()
    held = serializers.BooleanField(help_text="whether the caller's credential has this scope")
