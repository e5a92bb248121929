"""Creations that clients may repeat."""

from django.db import models


class IdempotentRequest(models.Model):
    """A request with an Idempotency-Key, and the public uuid of what it created.

    `digest` is a keyed digest of the caller, the endpoint and the key. `members` is one of the members that
    the caller sent. `ends_at` is in Unix seconds. Neither texts nor answers are stored.
    """

    digest = models.BinaryField(max_length=32, primary_key=True)
    members = models.BinaryField(max_length=32)
    resource = models.UUIDField()
    ends_at = models.BigIntegerField(db_index=True)

    def __str__(self) -> str:
        return f"request that created {self.resource}"
