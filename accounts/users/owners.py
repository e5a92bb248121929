"""Deleting people and organizations, who own API keys."""

from collections import Counter

from accounts import hooks
from accounts.models import Organization, User


def delete_owner(owner: User | Organization) -> Counter[str]:
    """Delete a person or an organization with everything they own; return the number of rows by model.

    Holdings of other apps (API keys) are deleted first. The caller must have locked the owner.
    """
    gone: Counter[str] = Counter()
    for held in hooks.holdings:
        gone.update(held.delete(owner))
    gone.update(type(owner)._default_manager.filter(pk=owner.pk).delete()[1])
    return gone
