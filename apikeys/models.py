"""API keys at rest. Keyhouse stores a digest of each key and its beginning, never the key itself."""

from datetime import datetime
from typing import Any, Self, TypeVar

from django.db import models
from django.db.models import Prefetch, Q, Sum

from access.key_limits import Rate, rate_of
from access.principals import Principal
from accounts.models import Organization, User
from apikeys import predicates
from apikeys.made_through import revoke_with_token
from config.database.rows import EditedRow, PublicRow
from config.profiles import Capability
from oauth.models import OAuthAccessToken

HOUR, DAY = 3600, 86_400  # seconds
LAST_DAY = 24  # hours


def first_of_hours(count: int, now: datetime) -> int:
    """Return when the first of the last `count` hours began, in Unix seconds. The hour of `now` counts."""
    moment = int(now.timestamp())
    return moment - moment % HOUR - (count - 1) * HOUR


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

    def owned_or_made_by(self, user: User) -> "ApiKeyQuerySet":
        """Return the keys that the person owns, and those that they created for other owners."""
        return self.filter(Q(user=user) | Q(created_by=user))

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

    name = models.CharField(max_length=100)
    user = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="api_keys")
    organization = models.ForeignKey(
        Organization, models.CASCADE, null=True, blank=True, related_name="api_keys"
    )
    environment = models.CharField(max_length=64)
    scopes = models.JSONField(default=list)
    attributes = models.JSONField(default=dict)
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
    allowed_networks = models.JSONField(default=list, help_text="no networks: usable from everywhere")
    rate_requests = models.PositiveIntegerField(null=True)
    rate_seconds = models.PositiveIntegerField(null=True)
    last_used_at = models.DateTimeField(null=True)
    last_used_ip = models.CharField("last address", max_length=45, blank=True)
    use_count = models.PositiveBigIntegerField(default=0)

    last_day: "list[KeyUse]"  # uses in the last 24 hours; set by with_last_day only

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        ordering = ("-pk",)
        indexes = (  # on no column that a use changes, so that a use updates no index
            models.Index(fields=("expires_at",), name="api_key_by_expiry"),
            models.Index(fields=("created_at",), name="api_key_by_age"),
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

    def status(self, now: datetime) -> str:
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


class Outcome(models.TextChoices):
    """The outcome of a request with an existing key."""

    ALLOWED = "allowed"
    ENDED = "ended", "revoked, expired, disabled, or its owner is not active"
    SCOPE = "scope", "it lacks a scope or a role, or may not do this"
    NETWORK = "network", "from an address outside of its networks"
    RATE = "rate", "over its rate limit"


Row = TypeVar("Row", bound=models.Model)


class SpanQuerySet(models.QuerySet[Row]):
    """Counts of hours or days."""

    def between(self, start: datetime, end: datetime) -> Self:
        """Return hours and days that begin at `start` or later, and before `end`."""
        return self.filter(begins_at__gte=int(start.timestamp()), begins_at__lt=int(end.timestamp()))

    def before(self, moment: datetime) -> Self:
        """Return hours and days that begin before `moment`."""
        return self.filter(begins_at__lt=int(moment.timestamp()))

    def by_outcome(self) -> "models.QuerySet[Any, tuple[int, str, int]]":
        """Return (begins_at, outcome, count), summed over all keys."""
        sums = self.values("begins_at", "outcome").annotate(all=Sum("count"))
        return sums.values_list("begins_at", "outcome", "all")


class KeyUseQuerySet(SpanQuerySet["KeyUse"]):
    def hours(self, first: int) -> "KeyUseQuerySet":
        """Return the hours that begin at `first` (Unix seconds) or later."""
        return self.filter(seconds=HOUR, begins_at__gte=first)

    def tallies(self) -> "models.QuerySet[KeyUse, tuple[int, int, int, int]]":
        """Return (begins_at, seconds, allowed, refused) of each hour and day, in order."""
        allowed = Sum("count", filter=Q(outcome=Outcome.ALLOWED), default=0)
        refused = Sum("count", filter=~Q(outcome=Outcome.ALLOWED), default=0)
        spans = self.values("begins_at", "seconds").annotate(allowed=allowed, refused=refused)
        return spans.order_by("begins_at").values_list("begins_at", "seconds", "allowed", "refused")


class KeyUse(models.Model):
    """The number of a key's requests with one outcome in an hour, or in a day of older ones (UTC).

    `begins_at` is in Unix seconds. The database has no foreign key here, so that deleting a key or its owner
    does not wait for the writers of statistics; `manage.py prune` deletes orphaned rows.
    """

    key = models.ForeignKey(
        ApiKey, models.DO_NOTHING, related_name="uses", db_constraint=False, db_index=False
    )
    begins_at = models.BigIntegerField()
    seconds = models.PositiveIntegerField(choices=[(HOUR, "hour"), (DAY, "day")])
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    count = models.BigIntegerField()

    objects = KeyUseQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("key", "begins_at", "seconds", "outcome"), name="key_use_is_counted_in_one_row"
            ),
        )
        indexes = (models.Index(fields=("seconds", "begins_at"), name="key_use_by_age"),)

    def __str__(self) -> str:
        return f"{self.count} {self.outcome}"


EVERY_KEY = 0  # in place of an organization's primary key


class HourTotal(models.Model):
    """The number of requests with one outcome in an hour (UTC), of an organization's keys or of all keys.

    Charts of many keys use these rows. They are written with KeyUse, stay when a key is deleted, and are
    pruned when no chart shows them any more.
    """

    organization_id = models.BigIntegerField(help_text="number of the organization, 0 for all keys")
    begins_at = models.BigIntegerField()
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    count = models.BigIntegerField()

    objects = SpanQuerySet["HourTotal"].as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("organization_id", "begins_at", "outcome"), name="hour_total_is_in_one_row"
            ),
        )

    def __str__(self) -> str:
        return f"{self.count} {self.outcome}"


class ScopeUse(models.Model):
    """When a key last used this scope. Like KeyUse, it has no foreign key in the database."""

    key = models.ForeignKey(
        ApiKey, models.DO_NOTHING, related_name="scope_uses", db_constraint=False, db_index=False
    )
    scope = models.TextField()
    last_used_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("key", "scope"), name="scope_use_is_in_one_row"),)

    def __str__(self) -> str:
        return self.scope
