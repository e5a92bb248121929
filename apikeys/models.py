"""API keys at rest. The key itself is nowhere: only a digest, and the part that may be shown."""

from datetime import datetime
from typing import Any, Self, TypeVar

from django.db import models
from django.db.models import Prefetch, Q, Sum

from access.key_limits import Rate, rate_of
from access.principals import Principal
from accounts.models import Organization, User
from apikeys import predicates
from apikeys.made_through import revoke_with_token
from config.database.rows import PublicRow
from config.profiles import Capability
from oauth.models import OAuthAccessToken

HOUR, DAY = 3600, 86_400  # seconds
LAST_DAY = 24  # hours


def first_of_hours(count: int, now: datetime) -> int:
    """Return when the first of the last `count` hours began, that of `now` being the last: Unix seconds."""
    moment = int(now.timestamp())
    return moment - moment % HOUR - (count - 1) * HOUR


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def unrevoked(self) -> "ApiKeyQuerySet":
        """Keys that nobody has revoked; they may have expired."""
        return self.filter(predicates.UNREVOKED)

    def unended(self, now: datetime) -> "ApiKeyQuerySet":
        """Keys that are neither revoked nor expired at `now`; they may be disabled."""
        return self.filter(predicates.unended(now))

    def usable(self, now: datetime) -> "ApiKeyQuerySet":
        """Keys that are neither revoked, expired nor disabled at `now`."""
        return self.filter(predicates.usable(now))

    def owned_or_made_by(self, user: User) -> "ApiKeyQuerySet":
        """Keys of a person, and those of anybody, organizations too, that this person made."""
        return self.filter(Q(user=user) | Q(created_by=user))

    def owned_by(self, principal: Principal) -> "ApiKeyQuerySet":
        """Keys of the person who calls, or of the organization whose key calls."""
        if principal.user_id is None:
            return self.filter(organization_id=principal.organization_id or 0)
        return self.filter(user_id=principal.user_id)

    def visible_to(self, principal: Principal) -> "ApiKeyQuerySet":
        """Keys that the caller may see."""
        return self._within(principal, Capability.READ_OWN_KEYS, Capability.READ_KEYS)

    def manageable_by(self, principal: Principal) -> "ApiKeyQuerySet":
        """Keys that the caller may change, rotate, disable and revoke."""
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
        """Keys made before `moment` and not used after it."""
        return self.filter(predicates.unused_since(moment))

    def with_last_day(self, now: datetime) -> "ApiKeyQuerySet":
        """The same, with `last_day`: one query for all rows."""
        hours = KeyUse.objects.hours(first_of_hours(LAST_DAY, now))
        # The model declares last_day for its readers; to mypy's plugin this declares it again.
        return self.prefetch_related(Prefetch("uses", hours, to_attr="last_day"))  # type: ignore[no-redef]


class ApiKey(PublicRow):
    """A key of a person or of an organization. Revoking is final, disabling is not.

    One that was made through an OAuth2 token, or with a key that was, ends with `made_through`, whose number
    stays when the token is gone.
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
    scope_uses_since = models.DateTimeField(null=True, editable=False)  # None: since it was made
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

    last_day: "list[KeyUse]"  # uses in the last 24 hours: only of keys that were fetched with_last_day

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        ordering = ("-pk",)
        indexes = (  # none on what a use changes, so that a use writes no index
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
            models.CheckConstraint(  # so that it ends with a token that expires, whenever that is deleted
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
        """The one owner; the database sees to it that there is one."""
        owner = self.user or self.organization
        assert owner is not None  # noqa: S101 (the constraint above)
        return owner

    @property
    def rate_limit(self) -> Rate | None:
        """How often the key may be used, None: as often as it likes."""
        return rate_of(self.rate_requests, self.rate_seconds)

    def status(self, now: datetime) -> str:
        """revoked, expired, disabled or active: the first that is true."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        return "disabled" if self.disabled_at is not None else "active"

    def shown_status(self, now: datetime) -> str:
        """The same for people, who want to know of an active key whether it is expiring."""
        status = self.status(now)
        soon = self.expires_at is not None and self.expires_at <= now + predicates.EXPIRING
        return "expiring" if status == "active" and soon else status


class Outcome(models.TextChoices):
    """What came of a request with a key that there is."""

    ALLOWED = "allowed"
    ENDED = "ended", "revoked, expired, disabled, or its owner is not active"
    SCOPE = "scope", "it lacks a scope or a role, or may not do this"
    NETWORK = "network", "from an address outside of its networks"
    RATE = "rate", "over its rate limit"


Row = TypeVar("Row", bound=models.Model)


class SpanQuerySet(models.QuerySet[Row]):
    """Rows that count what began at a time."""

    def between(self, start: datetime, end: datetime) -> Self:
        """Hours and days that begin at `start` or later, and before `end`."""
        return self.filter(begins_at__gte=int(start.timestamp()), begins_at__lt=int(end.timestamp()))

    def before(self, moment: datetime) -> Self:
        """Hours and days that begin before `moment`."""
        return self.filter(begins_at__lt=int(moment.timestamp()))

    def by_outcome(self) -> "models.QuerySet[Any, tuple[int, str, int]]":
        """(begins_at, outcome, how many) of all these rows together."""
        sums = self.values("begins_at", "outcome").annotate(all=Sum("count"))
        return sums.values_list("begins_at", "outcome", "all")


class KeyUseQuerySet(SpanQuerySet["KeyUse"]):
    def hours(self, first: int) -> "KeyUseQuerySet":
        """Hours from the one that begins at `first`, in Unix seconds."""
        return self.filter(seconds=HOUR, begins_at__gte=first)

    def tallies(self) -> "models.QuerySet[KeyUse, tuple[int, int, int, int]]":
        """(begins_at, seconds, how many were allowed, how many refused) of each hour and day, in order."""
        allowed = Sum("count", filter=Q(outcome=Outcome.ALLOWED), default=0)
        refused = Sum("count", filter=~Q(outcome=Outcome.ALLOWED), default=0)
        spans = self.values("begins_at", "seconds").annotate(allowed=allowed, refused=refused)
        return spans.order_by("begins_at").values_list("begins_at", "seconds", "allowed", "refused")


class KeyUse(models.Model):
    """How many requests of a key had this outcome in one hour, or in one day of longer ago (UTC).

    `begins_at` is in Unix seconds. Nothing in the database ties it to the key: a key, and its owner, are
    deleted without waiting for the writers of statistics; `manage.py prune` takes away what is left.
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


EVERY_KEY = 0  # in the place of an organization's number


class HourTotal(models.Model):
    """How many requests of an organization's keys, or of all keys, had this outcome in one hour (UTC).

    What charts of many keys are drawn from: written with KeyUse, pruned when no chart shows it any more.
    Deleting a key takes nothing away here.
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
    """When a key was last let in to what needed this scope. Tied to the key as KeyUse is."""

    key = models.ForeignKey(
        ApiKey, models.DO_NOTHING, related_name="scope_uses", db_constraint=False, db_index=False
    )
    scope = models.TextField()
    last_used_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("key", "scope"), name="scope_use_is_in_one_row"),)

    def __str__(self) -> str:
        return self.scope
