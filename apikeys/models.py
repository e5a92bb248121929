"""API keys at rest. Keyhouse stores a digest of each key and its beginning, never the key itself."""

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Literal, get_args
from uuid import UUID

from django.db import models
from django.db.models import Prefetch, Q, Value
from django.utils.translation import gettext_lazy as _

from access.key_limits import Rate, rate_of
from access.principals import Principal
from accounts.models import Organization, User
from apikeys import predicates
from apikeys.attributes import DESCRIPTION_LENGTH
from apikeys.imported.models import ImportedHash, KeySource
from apikeys.made_through import revoke_with_token
from apikeys.notices.models import KeyNetwork, KeyNews, KeyNotice, KeyWalk
from apikeys.quotas.models import QuotaLedger, UseReport
from apikeys.rotations.models import OpenRotation
from apikeys.usage.models import (
    DAY,
    EVERY_KEY,
    HOUR,
    LAST_DAY,
    HourTotal,
    KeyUse,
    Outcome,
    ScopeUse,
    first_of_hours,
)
from config.database.rows import EditedRow, PublicRow
from config.profiles import Capability
from oauth.models import OAuthAccessToken

__all__ = [
    "DAY",
    "EVERY_KEY",
    "HOUR",
    "LAST_DAY",
    "ApiKey",
    "ApiKeyQuerySet",
    "HourTotal",
    "ImportedHash",
    "KeyNetwork",
    "KeyNews",
    "KeyNotice",
    "KeySource",
    "KeyUse",
    "KeyWalk",
    "OpenRotation",
    "Outcome",
    "QuotaLedger",
    "ScopeUse",
    "UseReport",
    "first_of_hours",
]

Status = Literal["active", "expired", "disabled", "revoked"]
STATUSES = get_args(Status)


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def unrevoked(self) -> "ApiKeyQuerySet":
        """Return keys that nobody has revoked; they may have expired."""
        return self.filter(predicates.UNREVOKED)

    def unended(self, now: datetime) -> "ApiKeyQuerySet":
        """Return keys that are neither revoked nor expired at `now`; they may be disabled."""
        return self.filter(predicates.unended(now))

    def usable(self, now: datetime) -> "ApiKeyQuerySet":
        """Return keys that are not revoked, expired or disabled at `now`."""
        return self.filter(predicates.usable(now))

    def with_status(self, statuses: Collection[str], now: datetime) -> "ApiKeyQuerySet":
        """Return keys with one of these statuses; "expiring" are the active ones that expire soon."""
        conditions = {**predicates.by_status(now), "expiring": predicates.expiring(now)}
        return self.filter(reduce(or_, map(conditions.__getitem__, statuses)))

    def owned_or_made_by(self, user: User) -> "ApiKeyQuerySet":
        """Return the keys that the person owns, and those that they created for other owners."""
        return self.filter(Q(user=user) | Q(created_by=user))

    def with_scope(self, name: str) -> "ApiKeyQuerySet":
        """Return keys that were granted this scope by name."""
        return self.filter(predicates.with_scope(name))

    def with_words(self, text: str) -> "ApiKeyQuerySet":
        """Return keys with these words, or words that begin so, in their name or description."""
        return self.filter(predicates.with_words(text))

    def of_user(self, people: "models.QuerySet[User]") -> "ApiKeyQuerySet":
        """Return the keys of the one person in `people`, if the query finds one."""
        return self.filter(user_id=people.values("pk")[:1])

    def of_organization(self, organizations: "models.QuerySet[Organization]") -> "ApiKeyQuerySet":
        """Return the keys of the one organization in `organizations`, if the query finds one."""
        return self.filter(organization_id=organizations.values("pk")[:1])

    def owned_by(self, principal: Principal) -> "ApiKeyQuerySet":
        """Return the keys of the person who calls, or of the organization whose key calls."""
        if principal.user_id is None:
            return self.filter(organization_id=principal.organization_id or 0)
        return self.filter(user_id=principal.user_id)

    def visible_to(self, principal: Principal) -> "ApiKeyQuerySet":
        """Return the keys that the caller may see."""
        return self._within(principal, Capability.READ_OWN_KEYS, Capability.READ_KEYS)

    def manageable_by(self, principal: Principal) -> "ApiKeyQuerySet":
        """Return the keys that the caller may change, rotate, disable and revoke."""
        return self._within(principal, Capability.MANAGE_OWN_KEYS, Capability.MANAGE_KEYS)

    def _within(self, principal: Principal, own: Capability, others: Capability) -> "ApiKeyQuerySet":
        reach = principal.reach(others)
        if reach.everywhere:
            return self
        found = Q(organization_id__in=reach.organizations)
        if principal.user_id is not None and principal.may_somewhere(own):
            found |= Q(user_id=principal.user_id)
        return self.filter(found)

    def expiring_within(self, span: timedelta, now: datetime) -> "ApiKeyQuerySet":
        """Return the active keys that expire at most `span` after `now`."""
        return self.filter(predicates.expiring(now, span))

    def expiring_before(self, moment: datetime) -> "ApiKeyQuerySet":
        return self.filter(expires_at__lte=moment)

    def unused_since(self, moment: datetime) -> "ApiKeyQuerySet":
        """Return keys created before `moment` and not used since."""
        return self.filter(predicates.unused_since(moment))

    def with_last_day(self, now: datetime) -> "ApiKeyQuerySet":
        """Return the same keys with `last_day`, which takes one query for all of them."""
        hours = KeyUse.objects.hours(first_of_hours(LAST_DAY, now))
        # The model declares last_day for readers; mypy's plugin sees a second declaration here.
        return self.prefetch_related(Prefetch("uses", hours, to_attr="last_day"))  # type: ignore[no-redef]


class ApiKey(PublicRow, EditedRow):
    """A key of a person or of an organization. Revoking is final, disabling is not.

    `made_through` is the OAuth2 token that created the key, directly or through another key. The key ends
    with it; the column keeps the token's primary key after the token is deleted.
    """

    name = models.CharField(_("name"), max_length=100)
    user = models.ForeignKey(
        User,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="api_keys",
        db_index=False,
        verbose_name=_("user"),
    )
    organization = models.ForeignKey(
        Organization,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="api_keys",
        db_index=False,
        verbose_name=_("organization"),
    )
    description = models.CharField(max_length=DESCRIPTION_LENGTH, blank=True, default="", db_default="")
    metadata = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    environment = models.CharField(_("environment"), max_length=64)
    scopes = models.JSONField(default=list)
    attributes = models.JSONField(default=dict)
    wider_scopes = models.JSONField(null=True, editable=False)  # before it was narrowed to what it needs
    narrowed_at = models.DateTimeField(null=True, editable=False)
    digest = models.BinaryField(max_length=32, unique=True)
    pepper = models.PositiveSmallIntegerField(help_text="number of the pepper in the digest")
    key_prefix = models.CharField(max_length=64, db_index=True)
    created_at = models.DateTimeField()
    scope_uses_since = models.DateTimeField(null=True, editable=False)  # None: since the key was created
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="keys_made")
    made_through = models.ForeignKey(
        OAuthAccessToken, revoke_with_token, null=True, related_name="keys_made", db_constraint=False
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True)
    revoked_reason = models.CharField(max_length=200, blank=True)
    disabled_at = models.DateTimeField(null=True)
    predecessor = models.ForeignKey("self", models.SET_NULL, null=True, related_name="successors")
    counted_as = models.UUIDField(
        null=True, editable=False
    )  # the uuid of the first key that rotations replaced
    allowed_networks = models.JSONField(default=list, help_text="no networks: usable from everywhere")
    rate_requests = models.PositiveIntegerField(null=True)
    rate_seconds = models.PositiveIntegerField(null=True)
    last_used_at = models.DateTimeField(null=True)
    last_used_ip = models.CharField("last address", max_length=45, blank=True)
    use_count = models.PositiveBigIntegerField(default=0)
    imported_from = models.ForeignKey(
        KeySource, models.PROTECT, null=True, related_name="api_keys", db_index=False, editable=False
    )
    import_digest = models.BinaryField(max_length=32, null=True, unique=True)  # finds it at the next import
    import_pepper = models.PositiveSmallIntegerField(null=True, editable=False)
    unused_until = models.DateTimeField(null=True, editable=False)  # None: not imported, or used since

    last_day: "list[KeyUse]"  # uses in the last 24 hours; set by with_last_day only

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ("-pk",)
        indexes = (  # on no column that a use changes, so that a use updates no index
            models.Index(fields=("expires_at",), name="api_key_by_expiry"),
            models.Index(fields=("created_at",), name="api_key_by_age"),
            models.Index(fields=("user", "id"), name="api_key_by_user"),
            models.Index(fields=("organization", "id"), name="api_key_by_organization"),
            models.Index(fields=("environment", "id"), name="api_key_by_environment"),
            models.Index(fields=("name", "id"), name="api_key_by_name"),
            models.Index(predicates.Expiry("expires_at"), "id", name="api_key_by_end"),
            models.Index(fields=("id",), condition=predicates.REVOKED, name="api_key_revoked"),
            models.Index(
                fields=("imported_from", "id"),
                condition=predicates.UNREVOKED & predicates.IMPORTED,
                name="api_key_imported",
            ),
            models.Index(
                fields=("unused_until",), condition=predicates.IMPORT_UNUSED, name="api_key_import_unused"
            ),
            models.Index(
                fields=("id",),
                condition=predicates.UNREVOKED & predicates.DISABLED,
                name="api_key_disabled",
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(user__isnull=True) ^ Q(organization__isnull=True), name="api_key_has_one_owner"
            ),
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=models.F("created_at")),
                name="api_key_expires_after_creation",
            ),
            models.UniqueConstraint(
                fields=("predecessor",),
                condition=Q(predecessor__isnull=False, revoked_at__isnull=True),
                name="api_key_has_one_successor",
            ),
            models.CheckConstraint(  # the key ends when the token expires, even if the row stays
                condition=Q(made_through__isnull=True) | Q(expires_at__isnull=False),
                name="api_key_expires_with_its_token",
            ),
            models.CheckConstraint(
                condition=Q(rate_requests__isnull=True, rate_seconds__isnull=True)
                | Q(rate_requests__gte=1, rate_seconds__gte=1),
                name="api_key_rate_is_whole",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def owner(self) -> User | Organization:
        """The person or organization that owns the key; a constraint requires exactly one."""
        owner = self.user or self.organization
        assert owner is not None  # noqa: S101 (the constraint above)
        return owner

    @property
    def rate_limit(self) -> Rate | None:
        """The key's rate limit, or None."""
        return rate_of(self.rate_requests, self.rate_seconds)

    @property
    def first_uuid(self) -> UUID:
        """The uuid of the first key of the chain of rotations that the key belongs to."""
        return self.counted_as or self.uuid

    def status(self, now: datetime) -> Status:
        """Return the first that applies of: revoked, expired, disabled, active."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        return "disabled" if self.disabled_at is not None else "active"

    def shown_status(self, now: datetime) -> str:
        """Return the status for people: also "expiring", for an active key that expires soon."""
        status = self.status(now)
        soon = self.expires_at is not None and self.expires_at <= now + predicates.EXPIRING
        return "expiring" if status == "active" and soon else status
