"""Deleting whoever owns keys."""

from collections import Counter

from accounts.models import Organization, User
from config.database.rows import by_number


def delete_owner(owner: User | Organization) -> Counter[str]:
    """Delete a person or an organization with all that is theirs; return how many rows of each kind.

    Keys go first, in parts: Django would name all of them in one statement. The owner must be locked.
    """
    gone: Counter[str] = Counter()
    keys = owner.api_keys.all()
    for some in by_number(keys, list(keys.values_list("pk", flat=True))):
        gone.update(some.delete()[1])
    gone.update(type(owner)._default_manager.filter(pk=owner.pk).delete()[1])
    return gone
