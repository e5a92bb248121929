"""API keys that an OAuth2 token created end with the token."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db.models.deletion import Collector
from django.utils import timezone

from oauth.models import OAuthAccessToken

if TYPE_CHECKING:
    from apikeys.models import ApiKey

TOKEN_ENDED = "the OAuth2 token that created it has ended"


def revoke_with_token(collector: Collector, field: Any, rows: "Iterable[ApiKey]", using: str) -> None:
    """An `on_delete` that revokes the keys created by an OAuth2 token when the token's row is deleted.

    A token's row is deleted when its consent, its machine client or that client's secret ends. It is also
    deleted after it expires, when the keys have expired too. The code that deletes the row records why.
    Only one column is written, once: PostgreSQL checks the foreign keys of a row that is written twice, and
    would wait for the owner's row.
    """
    now, keys = timezone.now(), field.model
    unended = keys.objects.unended(now).filter(pk__in=[row.pk for row in rows])
    (revoked_at,) = (column for column in keys._meta.concrete_fields if column.name == "revoked_at")
    collector.add_field_update(revoked_at, now, list(unended.order_by("pk")))


def why_revoked(key: "ApiKey") -> str:
    """Return why the key was revoked, or "". Takes a query if its revocation has no recorded reason."""
    if key.revoked_at is None or key.revoked_reason or key.made_through_id is None:
        return key.revoked_reason
    return "" if OAuthAccessToken.objects.filter(pk=key.made_through_id).exists() else TOKEN_ENDED
