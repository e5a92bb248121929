"""Whom a caller may change, and which power a caller may grant: never more than the caller has."""

from access.principals import Caller
from accounts.models import Membership, Organization, User
from config import profiles
from config.profiles import Capability, Power
from config.wire.errors import Invalid, NotAllowed, Sentence

OVER_OTHERS = frozenset(
    {Capability.MANAGE_USERS, Capability.MANAGE_ORGANIZATIONS, Capability.MANAGE_KEYS}
)  # programs cannot grant these: the grant would outlive the program's credential


def check_is_person(caller: Caller, otherwise: str) -> None:
    """Raise NotAllowed with the text `otherwise` if the caller is a program (an API key or OAuth2 client)."""
    if not caller.principal.is_person:
        raise NotAllowed(otherwise)


def check_may_give(caller: Caller, power: Power, what: str) -> None:
    """Raise NotAllowed if the caller is a program and `power` includes power over others.

    `what` names the grant at the start of the error text.
    """
    if power.capabilities & OVER_OTHERS:
        check_is_person(
            caller,
            Sentence(
                "%(what)s has power over others. Programs cannot grant that; log in to do it.", what=what
            ),
        )


def check_may_manage_users(caller: Caller) -> None:
    """Raise NotAllowed unless the caller may manage people. That right is always global."""
    caller.principal.require(lambda who: who.may(Capability.MANAGE_USERS), "You may not manage people.")


def check_not_above(caller: Caller, user: User) -> None:
    """Raise NotAllowed if `user` may do more than the caller: callers cannot change people above them."""
    held = power_of(user)
    caller.principal.require(
        lambda who: held <= who.everywhere, Sentence("%(who)s may do more than you.", who=user)
    )


def power_of(user: User) -> Power:
    """Return everything that the person may do, in any organization."""
    profile = profiles.active()
    held = profile.everything if user.is_superuser else profile.power_of_role(user.role, "global")
    for role in Membership.objects.filter(user=user).values_list("role", flat=True):
        held |= profile.power_of_role(role, "organization")
    return held


def check_global_role(role: str) -> None:
    """Raise Invalid for a text that is not a global role of the profile."""
    known = profiles.active().roles_of_level("global")
    if role not in known:
        raise Invalid("role", Sentence("must be one of these roles: %(roles)s", roles=", ".join(known)))


def check_organization_role(role: str) -> None:
    """Raise Invalid for a text that is not a role in organizations."""
    known = profiles.active().roles_of_level("organization")
    if not known:
        raise Invalid("role", Sentence("cannot be given: this product has no roles in organizations"))
    if role not in known:
        raise Invalid(
            "role", Sentence("must be one of these organization roles: %(roles)s", roles=", ".join(known))
        )


def clean_global_role(caller: Caller, role: str) -> str:
    """Return a global role that the caller may give to people. Raises Invalid or NotAllowed."""
    check_global_role(role)
    given = profiles.active().power_of_role(role, "global")
    caller.principal.require(
        lambda who: given <= who.everywhere,
        Sentence("The role %(role)s allows more than you may do.", role=role),
    )
    check_may_give(caller, given, f"The role {role}")
    return role


def clean_superuser(caller: Caller, is_superuser: bool) -> bool:
    """Return `is_superuser`. Raises NotAllowed if the caller may not make superusers."""
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

    Without an organization, `role` is a global role.
    """
    held = profiles.active().power_of_role(role, "organization" if organization else "global")
    number = organization.pk if organization else None
    caller.principal.require(
        lambda principal: held <= principal.power_in(number),
        Sentence("%(who)s may do more here than you.", who=who),
    )


def clean_organization_role(caller: Caller, organization: Organization, role: str) -> str:
    """Return a role that the caller may give in the organization. Raises Invalid or NotAllowed."""
    check_organization_role(role)
    given = profiles.active().power_of_role(role, "organization")
    caller.principal.require(
        lambda who: given <= who.power_in(organization.pk),
        Sentence("The role %(role)s allows more than you may do.", role=role),
    )
    check_may_give(caller, given, f"The role {role}")
    return role


def check_may_invite(caller: Caller, organization: Organization | None) -> None:
    """Raise NotAllowed unless the caller may invite people to the organization (None: to an account)."""
    if organization is None:
        check_may_manage_users(caller)
    else:
        check_may_manage_organization(caller, organization)


def clean_invited_role(caller: Caller, organization: Organization | None, role: str) -> str:
    """Return a role that the caller may give to a person they invite. Raises Invalid or NotAllowed."""
    check_may_invite(caller, organization)
    if organization is None:
        return clean_global_role(caller, role)
    return clean_organization_role(caller, organization, role)
