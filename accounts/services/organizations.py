"""Use cases around organizations and who is in them."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from accounts import names
from accounts.models import Membership, Organization, User
from accounts.principals import Caller
from audit.actors import Target
from audit.events import EventName
from audit.log import record
from config import profiles
from config.errors import Conflict, Invalid, NotAllowed, NotFound
from config.profiles import Capability


def create_organization(*, caller: Caller, name: str) -> Organization:
    """Add an organization. Raises NotAllowed, Invalid, or Conflict if the name is taken."""
    if not caller.principal.may(Capability.MANAGE_ORGANIZATIONS):
        raise NotAllowed("You may not manage organizations.")
    organization = Organization(name=names.clean_name("name", name))
    with transaction.atomic():
        try:
            with transaction.atomic():
                organization.save(force_insert=True)
        except IntegrityError:
            raise Conflict("name", f"there is an organization {organization.name} already") from None
        _record(EventName.ORGANIZATION_CREATED, caller, organization)
    return organization


def rename_organization(*, caller: Caller, organization: Organization, name: str) -> None:
    """Give an organization another name. Raises NotAllowed, Invalid or Conflict."""
    _check_may_manage(caller, organization)
    name = names.clean_name("name", name)
    with transaction.atomic():
        row = Organization.objects.select_for_update().get(pk=organization.pk)
        try:
            with transaction.atomic():
                Organization.objects.filter(pk=row.pk).update(name=name, name_key=names.fold(name))
        except IntegrityError:
            raise Conflict("name", f"there is an organization {name} already") from None
        _record(EventName.ORGANIZATION_CHANGED, caller, row, {"from": row.name, "to": name})


def add_member(*, caller: Caller, organization: Organization, user: User, role: str) -> Membership:
    """Make a person a member. Raises NotAllowed, Invalid, or Conflict if they are one already."""
    _check_may_manage(caller, organization)
    membership = Membership(
        user=user, organization=organization, role=_clean_role(caller, organization, role)
    )
    with transaction.atomic():
        try:
            with transaction.atomic():
                membership.save(force_insert=True)
        except IntegrityError:
            raise Conflict("organization", f"{user} is a member of {organization} already") from None
        _record(EventName.MEMBER_ADDED, caller, organization, {"user": str(user.uuid), "role": role})
    return membership


def change_member_role(*, caller: Caller, membership: Membership, role: str) -> None:
    """Give a member another role in the organization. Raises NotAllowed or Invalid."""
    role = _clean_role(caller, membership.organization, role)
    with transaction.atomic():
        row = _locked(caller, membership)
        Membership.objects.filter(pk=row.pk).update(role=role)
        detail = {"user": str(row.user.uuid), "from": row.role, "to": role}
        _record(EventName.ROLE_CHANGED, caller, row.organization, detail)


def remove_member(*, caller: Caller, membership: Membership) -> None:
    """Take a person out of an organization. Raises NotAllowed."""
    with transaction.atomic():
        row = _locked(caller, membership)
        Membership.objects.filter(pk=row.pk).delete()
        detail = {"user": str(row.user.uuid), "role": row.role}
        _record(EventName.MEMBER_REMOVED, caller, row.organization, detail)


def _locked(caller: Caller, membership: Membership) -> Membership:
    """Return the membership as it is now, locked. Raises NotFound, or NotAllowed to change it."""
    rows = Membership.objects.select_related("user", "organization").select_for_update(of=("self",))
    row = rows.filter(pk=membership.pk).first()
    if row is None:
        raise NotFound("This person is no member any more.")
    _check_may_manage(caller, row.organization)
    _check_not_above(caller, row)
    return row


def _check_may_manage(caller: Caller, organization: Organization) -> None:
    if not caller.principal.may(Capability.MANAGE_ORGANIZATIONS, organization.pk):
        raise NotAllowed("You may not manage this organization.")


def _check_not_above(caller: Caller, membership: Membership) -> None:
    held = profiles.active().power_of_role(membership.role, "organization")
    if not held <= caller.principal.power_in(membership.organization_id):
        raise NotAllowed(f"{membership.user} may do more here than you.")


def _clean_role(caller: Caller, organization: Organization, role: str) -> str:
    profile = profiles.active()
    known = profile.roles_of_level("organization")
    if role not in known:
        raise Invalid(
            "organization", f"there is no organization role {role!r}; there are: {', '.join(known)}"
        )
    if not profile.power_of_role(role, "organization") <= caller.principal.power_in(organization.pk):
        raise NotAllowed(f"The role {role} allows more than you may do.")
    return role


def _record(
    name: EventName, caller: Caller, organization: Organization, detail: Mapping[str, Any] | None = None
) -> None:
    actor = caller.principal.actor
    target = Target.of("organization", organization, organization_id=organization.pk)
    record(name, actor=actor, origin=caller.origin, target=target, detail=detail)
