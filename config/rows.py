"""What every table with a public id has."""

import uuid

from django.db import models


class PublicRow(models.Model):
    """A row known to the outside by its uuid, or by its number where the profile shows integers."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)

    class Meta:
        abstract = True
