"""Use cases around organizations and who is in them."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from accounts import authority, names
from accounts.lookups import hold
from accounts.models import Membership, Organization, User
from accounts.principals import Caller
from audit.actors import Target
from audit.events import EventName
from audit.log import record
from config.errors import Conflict, NotAllowed, NotFound
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


def rename_organization(*, caller: Caller, organization: Organization, name: str) -> Organization:
    """Give an organization another name, and return it. Raises NotAllowed, Invalid, Conflict or NotFound."""
    authority.check_may_manage_organization(caller, organization)
    name = names.clean_name("name", name)
    with transaction.atomic():
        row = hold(organization)
        try:
            with transaction.atomic():
                Organization.objects.filter(pk=row.pk).update(name=name, name_key=names.fold(name))
        except IntegrityError:
            raise Conflict("name", f"there is an organization {name} already") from None
        _record(EventName.ORGANIZATION_CHANGED, caller, row, {"from": row.name, "to": name})
    row.name = name
    return row


def delete_organization(*, caller: Caller, organization: Organization) -> None:
    """Delete an organization, its memberships and its revoked keys; the people stay.

    Raises NotAllowed, also if a member may do more there than the caller, NotFound, or Conflict while it
    owns keys that are not revoked: programs that work must not stop by accident.
    """
    authority.check_may_manage_organization(caller, organization)
    with transaction.atomic():
        row = hold(organization)
        for membership in Membership.objects.filter(organization=row).select_related("user"):
            authority.check_not_above_in(caller, row, membership.user, membership.role)
        if row.api_keys.filter(revoked_at__isnull=True).exists():
            raise Conflict("id", "the organization owns API keys that are not revoked; revoke them first")
        target = Target.of("organization", row, organization_id=row.pk)
        _, gone = Organization.objects.filter(pk=row.pk).delete()
        actor, detail = caller.principal.actor, {"members": gone.get("accounts.Membership", 0)}
        record(
            EventName.ORGANIZATION_DELETED, actor=actor, origin=caller.origin, target=target, detail=detail
        )


def add_member(*, caller: Caller, organization: Organization, user: User, role: str) -> Membership:
    """Make a person a member. Raises NotAllowed, Invalid, NotFound, or Conflict if they are one already."""
    authority.check_may_manage_organization(caller, organization)
    role = authority.clean_organization_role(caller, organization, role)
    with transaction.atomic():
        hold(organization)
        hold(user)
        membership = insert_member(organization=organization, user=user, role=role)
        _record(EventName.MEMBER_ADDED, caller, organization, {"user": str(user.uuid), "role": role})
    return membership


def insert_member(*, organization: Organization, user: User, role: str) -> Membership:
    """Store a new membership. Raises Conflict if the person is a member already."""
    membership = Membership(user=user, organization=organization, role=role)
    try:
        with transaction.atomic():
            membership.save(force_insert=True)
    except IntegrityError:
        raise Conflict("user", f"{user} is a member of {organization} already") from None
    return membership


def change_member_role(*, caller: Caller, membership: Membership, role: str) -> Membership:
    """Give a member another role in the organization. Raises NotAllowed, Invalid or NotFound."""
    role = authority.clean_organization_role(caller, membership.organization, role)
    with transaction.atomic():
        row = _locked(caller, membership)
        Membership.objects.filter(pk=row.pk).update(role=role)
        detail = {"user": str(row.user.uuid), "from": row.role, "to": role}
        _record(EventName.ROLE_CHANGED, caller, row.organization, detail)
    row.role = role
    return row


def remove_member(*, caller: Caller, membership: Membership) -> None:
    """Take a person out of an organization. Raises NotAllowed or NotFound."""
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
    authority.check_may_manage_organization(caller, row.organization)
    authority.check_not_above_in(caller, row.organization, row.user, row.role)
    return row


def _record(
    name: EventName, caller: Caller, organization: Organization, detail: Mapping[str, Any] | None = None
) -> None:
    actor = caller.principal.actor
    target = Target.of("organization", organization, organization_id=organization.pk)
    record(name, actor=actor, origin=caller.origin, target=target, detail=detail)
