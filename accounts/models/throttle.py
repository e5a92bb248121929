"""Counters of attempts."""

from django.db import models


class AttemptCount(models.Model):
    """How many attempts were counted in a window of time; `ends_at` is in Unix seconds.

    `digest` is a keyed digest of who or what is counted (accounts.throttling.counters).
    """

    digest = models.BinaryField(max_length=32, primary_key=True)
    attempts = models.IntegerField()
    ends_at = models.BigIntegerField(db_index=True)

    def __str__(self) -> str:
        return f"{self.attempts} attempts"
