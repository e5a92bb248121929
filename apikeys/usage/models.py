"""Counts of the requests with API keys."""

from datetime import datetime
from typing import Any, Self, TypeVar

from django.db import models
from django.db.models import Q, Sum

HOUR, DAY = 3600, 86_400  # seconds
LAST_DAY = 24  # hours


def first_of_hours(count: int, now: datetime) -> int:
    """Return when the first of the last `count` hours began, in Unix seconds. The hour of `now` counts."""
    moment = int(now.timestamp())
    return moment - moment % HOUR - (count - 1) * HOUR


class Outcome(models.TextChoices):
    """The outcome of a request with an existing key."""

    ALLOWED = "allowed"
    ENDED = "ended", "revoked, expired, disabled, or its owner is not active"
    SCOPE = "scope", "it lacks a scope or a role, or may not do this"
    NETWORK = "network", "from an address outside of its networks"
    RATE = "rate", "over its rate limit or a quota"


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
        "apikeys.ApiKey", models.DO_NOTHING, related_name="uses", db_constraint=False, db_index=False
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
        "apikeys.ApiKey", models.DO_NOTHING, related_name="scope_uses", db_constraint=False, db_index=False
    )
    scope = models.TextField()
    last_used_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("key", "scope"), name="scope_use_is_in_one_row"),)

    def __str__(self) -> str:
        return self.scope
