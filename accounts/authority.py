"""Whom a caller may change, and what they may hand out: never more than they may do themselves."""

from accounts.models import Membership, Organization, User
from accounts.principals import Caller
from config import profiles
from config.errors import Invalid
from config.profiles import Capability


def check_may_manage_users(caller: Caller) -> None:
    """Raise NotAllowed unless the caller may manage people, which is a matter of everywhere or not at all."""
    caller.principal.must(lambda who: who.may(Capability.MANAGE_USERS), "You may not manage people.")


def check_not_above(caller: Caller, user: User) -> None:
    """Raise NotAllowed if `user` may do more than the caller: nobody changes those above them."""
    profile = profiles.active()
    held = profile.everything if user.is_superuser else profile.power_of_role(user.role, "global")
    for role in Membership.objects.filter(user=user).values_list("role", flat=True):
        held |= profile.power_of_role(role, "organization")
    caller.principal.must(lambda who: held <= who.everywhere, f"{user} may do more than you.")


def clean_global_role(caller: Caller, role: str) -> str:
    """Return a global role that the caller may give to people. Raises Invalid or NotAllowed."""
    profile = profiles.active()
    known = profile.roles_of_level("global")
    if role not in known:
        raise Invalid("role", f"there is no such role; there are: {', '.join(known)}")
    given = profile.power_of_role(role, "global")
    caller.principal.must(
        lambda who: given <= who.everywhere, f"The role {role} allows more than you may do."
    )
    return role


def clean_superuser(caller: Caller, is_superuser: bool) -> bool:
    """Return `is_superuser` if the caller may give that. Raises NotAllowed."""
    if is_superuser:
        everything = profiles.active().everything
        caller.principal.must(lambda who: everything <= who.everywhere, "A superuser may do more than you.")
    return is_superuser


def check_may_manage_organization(caller: Caller, organization: Organization) -> None:
    """Raise NotAllowed unless the caller may manage this organization."""
    caller.principal.must(
        lambda who: who.may(Capability.MANAGE_ORGANIZATIONS, organization.pk),
        "You may not manage this organization.",
    )


def check_not_above_in(caller: Caller, organization: Organization, who: object, role: str) -> None:
    """Raise NotAllowed if `who`, with `role` in the organization, may do more there than the caller."""
    held = profiles.active().power_of_role(role, "organization")
    caller.principal.must(
        lambda principal: held <= principal.power_in(organization.pk), f"{who} may do more here than you."
    )


def clean_organization_role(caller: Caller, organization: Organization, role: str) -> str:
    """Return a role that the caller may give in the organization. Raises Invalid or NotAllowed."""
    profile = profiles.active()
    known = profile.roles_of_level("organization")
    if role not in known:
        raise Invalid("role", f"there is no organization role {role!r}; there are: {', '.join(known)}")
    given = profile.power_of_role(role, "organization")
    caller.principal.must(
        lambda who: given <= who.power_in(organization.pk), f"The role {role} allows more than you may do."
    )
    return role
