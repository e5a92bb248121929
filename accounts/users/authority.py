"""Whom a caller may change, and what they may hand out: never more than they may do themselves."""

from access.principals import Caller
from accounts.models import Membership, Organization, User
from config import profiles
from config.profiles import Capability, Power
from config.wire.errors import Invalid, NotAllowed

OVER_OTHERS = frozenset(
    {Capability.MANAGE_USERS, Capability.MANAGE_ORGANIZATIONS, Capability.MANAGE_KEYS}
)  # what a program gives nobody: it would outlive the program's credential, and could not be taken back


def check_is_person(caller: Caller, otherwise: str) -> None:
    """Raise NotAllowed, which says `otherwise`, if a program calls, with a key or somebody's consent."""
    if not caller.principal.is_person:
        raise NotAllowed(otherwise)


def check_may_give(caller: Caller, power: Power, what: str) -> None:
    """Raise NotAllowed if a program would give somebody power over others, with `what`."""
    if power.capabilities & OVER_OTHERS:
        check_is_person(caller, f"{what} manages others, which a program gives nobody: log in for that.")


def check_may_manage_users(caller: Caller) -> None:
    """Raise NotAllowed unless the caller may manage people, which is a matter of everywhere or not at all."""
    caller.principal.require(lambda who: who.may(Capability.MANAGE_USERS), "You may not manage people.")


def check_not_above(caller: Caller, user: User) -> None:
    """Raise NotAllowed if `user` may do more than the caller: nobody changes those above them."""
    held = power_of(user)
    caller.principal.require(lambda who: held <= who.everywhere, f"{user} may do more than you.")


def power_of(user: User) -> Power:
    """All that the person may do, wherever that is."""
    profile = profiles.active()
    held = profile.everything if user.is_superuser else profile.power_of_role(user.role, "global")
    for role in Membership.objects.filter(user=user).values_list("role", flat=True):
        held |= profile.power_of_role(role, "organization")
    return held


def clean_global_role(caller: Caller, role: str) -> str:
    """Return a global role that the caller may give to people. Raises Invalid or NotAllowed."""
    profile = profiles.active()
    known = profile.roles_of_level("global")
    if role not in known:
        raise Invalid("role", f"there is no such role; there are: {', '.join(known)}")
    given = profile.power_of_role(role, "global")
    caller.principal.require(
        lambda who: given <= who.everywhere, f"The role {role} allows more than you may do."
    )
    check_may_give(caller, given, f"The role {role}")
    return role


def clean_superuser(caller: Caller, is_superuser: bool) -> bool:
    """Return `is_superuser` if the caller may give that. Raises NotAllowed."""
    if is_superuser:
        everything = profiles.active().everything
        caller.principal.require(
            lambda who: everything <= who.everywhere, "A superuser may do more than you."
        )
        check_may_give(caller, everything, "A superuser")
    return is_superuser


def check_may_manage_organization(caller: Caller, organization: Organization) -> None:
    """Raise NotAllowed unless the caller may manage this organization."""
    caller.principal.require(
        lambda who: who.may(Capability.MANAGE_ORGANIZATIONS, organization.pk),
        "You may not manage this organization.",
    )


def check_not_above_in(caller: Caller, organization: Organization | None, who: object, role: str) -> None:
    """Raise NotAllowed if `who`, with `role` in the organization, may do more there than the caller.

    Without an organization the role is a global one.
    """
    held = profiles.active().power_of_role(role, "organization" if organization else "global")
    number = organization.pk if organization else None
    caller.principal.require(
        lambda principal: held <= principal.power_in(number), f"{who} may do more here than you."
    )


def clean_organization_role(caller: Caller, organization: Organization, role: str) -> str:
    """Return a role that the caller may give in the organization. Raises Invalid or NotAllowed."""
    profile = profiles.active()
    known = profile.roles_of_level("organization")
    if role not in known:
        raise Invalid("role", f"there is no organization role {role!r}; there are: {', '.join(known)}")
    given = profile.power_of_role(role, "organization")
    caller.principal.require(
        lambda who: given <= who.power_in(organization.pk), f"The role {role} allows more than you may do."
    )
    check_may_give(caller, given, f"The role {role}")
    return role


def check_may_invite(caller: Caller, organization: Organization | None) -> None:
    """Raise NotAllowed unless the caller may invite to the organization, or, without one, to an account."""
    if organization is None:
        check_may_manage_users(caller)
    else:
        check_may_manage_organization(caller, organization)


def clean_invited_role(caller: Caller, organization: Organization | None, role: str) -> str:
    """Return the role that the caller may give to somebody whom they invite. Raises Invalid or NotAllowed."""
    check_may_invite(caller, organization)
    if organization is None:
        return clean_global_role(caller, role)
    return clean_organization_role(caller, organization, role)
