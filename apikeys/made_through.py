"""Keys that were made through an OAuth2 token: they end with it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db.models.deletion import Collector
from django.utils import timezone

from oauth.models import OAuthAccessToken

if TYPE_CHECKING:
    from apikeys.models import ApiKey

TOKEN_ENDED = "the OAuth2 token with which it was made has ended"


def revoke_with_token(collector: Collector, field: Any, rows: "Iterable[ApiKey]", using: str) -> None:
    """An `on_delete`: keys that were made through an OAuth2 token are revoked when its row is deleted.

    That happens when the consent ends, with a machine's client or its secret, and once the token has expired;
    then the keys have, too. Whoever deletes the row records why. One column is written, once: of a row that
    is written twice PostgreSQL checks the foreign keys, and waits for the owner's row for that.
    """
    now, keys = timezone.now(), field.model
    unended = keys.objects.unended(now).filter(pk__in=[row.pk for row in rows])
    (revoked_at,) = (column for column in keys._meta.concrete_fields if column.name == "revoked_at")
    collector.add_field_update(revoked_at, now, list(unended.order_by("pk")))


def why_revoked(key: "ApiKey") -> str:
    """Why the key was revoked, as far as that is known; one look at the database where nobody said so."""
    if key.revoked_at is None or key.revoked_reason or key.made_through_id is None:
        return key.revoked_reason
    return "" if OAuthAccessToken.objects.filter(pk=key.made_through_id).exists() else TOKEN_ENDED
