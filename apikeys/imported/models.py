"""The systems from which API keys were imported."""

from django.db import models


class KeySource(models.Model):
    """A system from which API keys were imported (migration/), and where its clients send them.

    `kind` names how the system digests keys (apikeys/at_rest/foreign.py). `place` is an Authorization scheme
    in lower case, or the name of a header, as `Presented.place` has it. `is_open` says that a key of it may
    still be used; `has_unused`, that one may still be stored under the system's own digest.
    """

    name = models.CharField(max_length=40, unique=True)
    kind = models.CharField(max_length=40)
    place = models.CharField(max_length=40)
    is_open = models.BooleanField(default=True)
    has_unused = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.name


class ImportedHash(models.Model):
    """The password hash that another system stored of a key, until the first use of the key."""

    key = models.OneToOneField(
        "apikeys.ApiKey", models.CASCADE, primary_key=True, related_name="imported_hash"
    )
    encoded = models.CharField(max_length=200)

    def __str__(self) -> str:
        return f"hash of key {self.pk}"
