"""The query parameters of the key list. The profile's attributes are filters, too: ?key_type=client."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from django.db.models import F
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import Organization, User
from apikeys.durations import parse_duration
from apikeys.models import ApiKeyQuerySet
from apikeys.predicates import EXPIRING, Expiry
from config import profiles
from config.profiles.keys import Attribute, ChoiceAttribute
from config.wire.fields import OneOfField, SearchField, TrueOrFalseField, said_by_field
from config.wire.ids import QueryIdField
from config.wire.lists.order import STORED, Column
from config.wire.lists.query import ListQuery

STATUSES = ("active", "expiring", "expired", "disabled", "revoked")


@extend_schema_field({"type": "string", "pattern": "^[1-9][0-9]{0,8}[smhdw]$", "examples": ["14d"]})
class SpanField(serializers.Field[timedelta, Any, Any, Any]):
    """A duration in a query, such as 14d."""

    def __init__(self, help_text: str) -> None:
        super().__init__(required=False, help_text=help_text)

    def to_internal_value(self, data: Any) -> timedelta:
        with said_by_field():
            return parse_duration("span", str(data))


class OwnerField(QueryIdField):
    """The id of a person, or "me"."""

    ME = "me"

    def to_internal_value(self, data: Any) -> Any:
        return self.ME if data == self.ME else super().to_internal_value(data)


class KeyQuery(ListQuery):
    """The query parameters of the key list."""

    resource = "api_key"
    orderings: ClassVar[Mapping[str, Column]] = {
        "created_at": STORED,
        "name": Column(F("name")),
        "expires_at": Column(Expiry("expires_at"), is_time=True),
    }

    status = OneOfField(
        STATUSES, help_text=f"`expiring`: the active keys that expire within {EXPIRING.days} days"
    )
    owner = OwnerField("user", help_text="id of the person who owns the keys; `me`: the caller")
    organization = QueryIdField("organization", help_text="id of the organization that owns the keys")
    expiring_within = SpanField("active keys that expire within this time, such as 14d")
    unused_for = SpanField("keys older than this that were not used for as long, such as 90d")
    search = SearchField("words of the name or the description, or their beginnings", max_length=100)

    def declared(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        profile = profiles.active()
        fields = super().declared()
        fields["environment"] = OneOfField(profile.keys.environments, help_text="environment of the keys")
        if profile.scopes:
            fields["scope"] = OneOfField(profile.scopes, help_text="scope that the keys were granted by name")
        attributes = {name: _attribute(name, form) for name, form in profile.keys.attributes.items()}
        return {**fields, **attributes}

    def narrowed(self, rows: ApiKeyQuerySet) -> Any:
        """Begin with the keys that the profile lists: all, or the caller's own that have not ended."""
        if profiles.active().keys.list == "own":
            rows = rows.owned_by(self.context["caller"]).unended(self.context["now"])
        return super().narrowed(rows)

    def by_status(self, rows: ApiKeyQuerySet, word: str) -> ApiKeyQuerySet:
        return rows.with_status([word], self.context["now"])

    def by_owner(self, rows: ApiKeyQuerySet, named: Any) -> ApiKeyQuerySet:
        if named == OwnerField.ME:
            return rows.owned_by(self.context["caller"])
        return rows.of_user(User.objects.filter(**named))

    def by_organization(self, rows: ApiKeyQuerySet, named: Mapping[str, Any]) -> ApiKeyQuerySet:
        return rows.of_organization(Organization.objects.filter(**named))

    def by_scope(self, rows: ApiKeyQuerySet, name: str) -> ApiKeyQuerySet:
        return rows.with_scope(name)

    def by_expiring_within(self, rows: ApiKeyQuerySet, span: timedelta) -> ApiKeyQuerySet:
        return rows.expiring_within(span, self.context["now"])

    def by_unused_for(self, rows: ApiKeyQuerySet, span: timedelta) -> ApiKeyQuerySet:
        return rows.unused_since(self.context["now"] - span)

    def by_search(self, rows: ApiKeyQuerySet, text: str) -> ApiKeyQuerySet:
        return rows.with_words(text) if text else rows


def _attribute(name: str, form: Attribute) -> serializers.Field[Any, Any, Any, Any]:
    options: dict[str, Any] = {"source": f"attributes__{name}", "help_text": form.description}
    if isinstance(form, ChoiceAttribute):
        return OneOfField(form.choices, **options)
    return TrueOrFalseField(**options)
