"""Rotations whose old key still works."""

from django.db import models


class OpenRotation(models.Model):
    """A rotation that finishes when the old key, `key`, is quiet. The row goes when that key has ended."""

    key = models.OneToOneField(
        "apikeys.ApiKey", models.CASCADE, primary_key=True, related_name="open_rotation"
    )
    began_at = models.DateTimeField()
    overlap_ends_at = models.DateTimeField()
    look_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"the rotation of {self.key}"
