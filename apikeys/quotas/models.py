"""What keys may use and have used, and the reports of services about it."""

from datetime import date

from django.db import models
from django.db.models import Q

from access.key_limits import Budgets
from accounts.models import Organization
from apikeys.quotas.periods import DAY

USED = ("day", "day_used", "month_used", "total_used")


class Counts(models.TextChoices):
    """What uses the units of a quota. Reports always do."""

    REQUESTS = "requests", "each request is a unit, and services may report more"
    REPORTS = "reports", "only what services report"


class QuotaLedger(models.Model):
    """The budgets of a key and its successors, or of all keys of an organization, and what was used of them.

    `counted_as` is that of the keys. `day` is the day (UTC) that `day_used` is about; `month_used` is about
    its month. Requests take units in advance (apikeys.quotas.leases), so what is used here
    is never too low.
    """

    counted_as = models.UUIDField(null=True, unique=True)
    organization = models.OneToOneField(Organization, models.CASCADE, null=True, related_name="quota")
    counts = models.CharField(max_length=10, choices=Counts.choices, default=Counts.REQUESTS)
    day_most = models.PositiveBigIntegerField(null=True)
    month_most = models.PositiveBigIntegerField(null=True)
    total_most = models.PositiveBigIntegerField(null=True)
    day = models.DateField(null=True)
    day_used = models.PositiveBigIntegerField(default=0)
    month_used = models.PositiveBigIntegerField(default=0)
    total_used = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(counted_as__isnull=True) ^ Q(organization__isnull=True),
                name="quota_has_one_holder",
            ),
        )

    def __str__(self) -> str:
        return str(self.budgets)

    @property
    def budgets(self) -> Budgets:
        return Budgets(self.day_most, self.month_most, self.total_most)

    @property
    def used(self) -> Budgets:
        """What was used in the day and the month of `day`, and in all."""
        return Budgets(self.day_used, self.month_used, self.total_used)

    @property
    def left(self) -> Budgets:
        """What is left of each budget; None for a span without a budget."""
        pairs = zip(self.budgets, self.used, strict=True)
        return Budgets(*(None if most is None else max(most - (used or 0), 0) for most, used in pairs))

    def move_to(self, today: date) -> None:
        """Begin a new day, and a new month, if `today` is later than `day`.

        A clock that goes back begins nothing: otherwise servers whose clocks differ would begin each midnight
        twice. A day that lies further ahead was set by a wrong clock.
        """
        if self.day is None or today > self.day:
            if self.day is None or (today.year, today.month) != (self.day.year, self.day.month):
                self.month_used = 0
            self.day, self.day_used = today, 0
        elif self.day - today > DAY:
            self.day = today

    def use(self, units: int) -> None:
        """Count units in the present day and month, and in all."""
        self.day_used, self.month_used = self.day_used + units, self.month_used + units
        self.total_used += units

    def give_back(self, units: int, day: date) -> None:
        """Take back units that were counted on this day and not used."""
        if self.day == day:
            self.day_used = max(self.day_used - units, 0)
        if self.day and (self.day.year, self.day.month) == (day.year, day.month):
            self.month_used = max(self.month_used - units, 0)
        self.total_used = max(self.total_used - units, 0)


class UseReport(models.Model):
    """A report of a service, by the digest of who reports and the id of the report.

    Repeating it changes nothing. `manage.py prune` deletes old reports.
    """

    digest = models.BinaryField(max_length=32, primary_key=True)
    key = models.UUIDField()
    units = models.PositiveBigIntegerField()
    reported_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.units} units"
