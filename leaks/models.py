"""Reports of leaked keys that wait, and the public keys of GitHub."""

from django.db import models


class LeakReport(models.Model):
    """A report of texts that may be keys, until the background worker looks them up.

    `digests` are those of the well-formed texts, 32 bytes each, one for every pepper. The texts are not kept.
    """

    digests = models.BinaryField()
    ip = models.CharField(max_length=45, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    reported_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"report {self.pk}"


class GithubKeys(models.Model):
    """The keys of GitHub that verify its reports, by their identifiers: one row, shared by all processes.

    `tried_at` is when a process last began to fetch them, `fetched_at` when one last succeeded.
    """

    ONLY = 1

    keys = models.JSONField(default=dict)
    tried_at = models.DateTimeField()
    fetched_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return "keys of GitHub"
