"""Fingerprints of the secrets that the data in the database depends on."""

from django.db import models


class KnownSecret(models.Model):
    """The fingerprint of a secret that this database has been used with (config.secrets.fingerprints)."""

    kind = models.CharField(max_length=20)
    number = models.PositiveIntegerField()
    fingerprint = models.CharField(max_length=64)
    known_since = models.DateTimeField()

    class Meta:
        ordering = ("kind", "number")
        constraints = (
            models.UniqueConstraint(fields=("kind", "number"), name="known_secret_has_one_fingerprint"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"
