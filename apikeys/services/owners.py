"""Tells accounts about the API keys of a person or organization, through accounts.hooks."""

from collections import Counter

from accounts.hooks import Owner
from config.database.rows import in_batches


class KeysOfOwners:
    def count(self, owner: Owner) -> int:
        """Return how many keys the owner has."""
        return owner.api_keys.count()

    def is_working(self, owner: Owner) -> bool:
        """Whether the owner has a key that is not revoked."""
        return owner.api_keys.filter(revoked_at__isnull=True).exists()

    def delete(self, owner: Owner) -> Counter[str]:
        """Delete the keys of a locked owner in batches: Django would name all of them in one statement."""
        gone: Counter[str] = Counter()
        keys = owner.api_keys.all()
        for some in in_batches(keys, list(keys.values_list("pk", flat=True))):
            gone.update(some.delete()[1])
        return gone
