"""Counters of attempts."""

from django.db import models


class AttemptCount(models.Model):
    """The number of attempts in a window of time, which ends at `ends_at` (Unix seconds).

    `digest` is a keyed digest of the limit and of the account or network (accounts.throttling.counters).
    """

    digest = models.BinaryField(max_length=32, primary_key=True)
    attempts = models.IntegerField()
    ends_at = models.BigIntegerField(db_index=True)

    def __str__(self) -> str:
        return f"{self.attempts} attempts"
