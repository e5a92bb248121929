"""Deleting whoever owns keys."""

from collections import Counter

from accounts import hooks
from accounts.models import Organization, User


def delete_owner(owner: User | Organization) -> Counter[str]:
    """Delete a person or an organization with all that is theirs; return how many rows of each kind.

    What apps above this one hold for them goes first. The owner must be locked.
    """
    gone: Counter[str] = Counter()
    for held in hooks.holdings:
        gone.update(held.delete(owner))
    gone.update(type(owner)._default_manager.filter(pk=owner.pk).delete()[1])
    return gone
