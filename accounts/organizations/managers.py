"""Keeps a member who may manage the organization, unless an administrator decides otherwise."""

from django.db.models import Q

from access.principals import Caller
from accounts.models import Membership
from config import profiles
from config.profiles import Capability
from config.wire.errors import Conflict, Sentence


def manages(role: str) -> bool:
    """Whether the role lets its holder manage the organization and its members."""
    return (
        Capability.MANAGE_ORGANIZATIONS in profiles.active().power_of_role(role, "organization").capabilities
    )


def has_other_manager(membership: Membership) -> bool:
    """Whether the role of somebody else lets them manage the organization."""
    managing = profiles.active().roles_with(Capability.MANAGE_ORGANIZATIONS, "organization")
    others = Membership.objects.filter(~Q(user=membership.user_id), organization=membership.organization_id)
    return others.filter(role__in=managing, user__is_active=True).exists()


def check_a_manager_stays(caller: Caller, membership: Membership, role: str = "") -> None:
    """Raise Conflict if nobody could manage the organization once the member has `role`, or none.

    Callers who manage every organization may do it. The organization must be locked.
    """
    if caller.principal.may(Capability.MANAGE_ORGANIZATIONS) or manages(role) or not manages(membership.role):
        return
    if not has_other_manager(membership):
        raise Conflict(
            "role" if role else "user",
            Sentence(
                "nobody else may manage %(organization)s; first give somebody else a role that lets them",
                organization=membership.organization,
            ),
        )
