"""Use cases of organizations and their members."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from msgspec import UNSET

from access.leases import wait_out_leases
from access.principals import Caller
from accounts import hooks
from accounts.idempotency.services import Claim, take
from accounts.models import Membership, Organization, User
from accounts.organizations.changes import OrganizationChanges
from accounts.organizations.managers import check_a_manager_stays, manages
from accounts.users import authority, names
from accounts.users.lookups import lock
from accounts.users.owners import delete_owner
from audit.actors import Target
from audit.events import EventName
from audit.log import record
from config.database.rows import edit
from config.profiles import Capability
from config.wire.errors import Conflict, NotFound, Sentence
from config.wire.preconditions import ANY_VERSION, Expected


def create_organization(*, caller: Caller, name: str, claim: Claim | None = None) -> Organization:
    """Add an organization. Raises NotAllowed, Invalid, or Conflict if the name is taken; and as `take`."""
    caller.principal.require(
        lambda who: who.may(Capability.MANAGE_ORGANIZATIONS), "You may not manage organizations."
    )
    organization = Organization(name=names.clean_name("name", name))
    with transaction.atomic():
        take(claim, organization.uuid)
        try:
            with transaction.atomic():
                organization.save(force_insert=True)
        except IntegrityError:
            raise Conflict(
                "name", Sentence("%(name)s is taken by another organization", name=organization.name)
            ) from None
        _record(EventName.ORGANIZATION_CREATED, caller, organization)
    return organization


def update_organization(
    *,
    caller: Caller,
    organization: Organization,
    changes: OrganizationChanges,
    expected: Expected = ANY_VERSION,
) -> Organization:
    """Change members of an organization, and return it.

    Raises NotAllowed, Invalid, Conflict if the name is taken, NotFound or PreconditionFailed.
    """
    authority.check_may_manage_organization(caller, organization)
    wanted = changes.given()
    if changes.name is not UNSET:
        wanted["name"] = names.clean_name("name", changes.name)
    with transaction.atomic():
        row = lock(organization)
        expected.check(row)
        changed = {column: value for column, value in wanted.items() if getattr(row, column) != value}
        if changed.get("requires_second_factor") is False:
            authority.check_is_person(caller, "Programs cannot waive a second factor: log in to do it.")
        if changed:
            _write(row, changed)
            detail = {name: {"from": getattr(row, name), "to": value} for name, value in changed.items()}
            _record(EventName.ORGANIZATION_CHANGED, caller, row, detail)
        wait_out_leases()  # no-op changes wait, too: another request may have just made the change
        return Organization.objects.get(pk=row.pk)


def _write(organization: Organization, changed: Mapping[str, Any]) -> None:
    """Write the columns, and the folded form of the name. Raises Conflict if the name is taken."""
    columns = dict(changed)
    if "name" in changed:
        columns["name_key"] = names.fold(changed["name"])
    try:
        with transaction.atomic():
            edit(Organization.objects.filter(pk=organization.pk), **columns)
    except IntegrityError:
        raise Conflict(
            "name", Sentence("%(name)s is taken by another organization", name=changed["name"])
        ) from None


def delete_organization(
    *, caller: Caller, organization: Organization, expected: Expected = ANY_VERSION
) -> None:
    """Delete an organization, its memberships and its revoked keys. The people stay.

    Raises NotFound, PreconditionFailed, NotAllowed, also if a member may do more there than the caller, or
    Conflict while the organization owns keys that are not revoked, so that working programs do not stop by
    accident.
    """
    authority.check_may_manage_organization(caller, organization)
    with transaction.atomic():
        row = lock(organization)
        expected.check(row)
        for membership in Membership.objects.filter(organization=row).select_related("user"):
            authority.check_not_above_in(caller, row, membership.user, membership.role)
        if any(held.is_working(row) for held in hooks.holdings):
            raise Conflict("id", "the organization owns API keys that are not revoked; revoke them first")
        target = Target.of("organization", row, organization_id=row.pk)
        gone = delete_owner(row)
        actor, detail = caller.principal.actor, {"members": gone["accounts.Membership"]}
        record(
            EventName.ORGANIZATION_DELETED, actor=actor, origin=caller.origin, target=target, detail=detail
        )


def add_member(
    *, caller: Caller, organization: Organization, user: User, role: str, claim: Claim | None = None
) -> Membership:
    """Add a member; the claim names the person.

    Raises NotAllowed, Invalid, NotFound, or Conflict if the person is already a member; and as `take`.
    """
    authority.check_may_manage_organization(caller, organization)
    role = authority.clean_organization_role(caller, organization, role)
    with transaction.atomic():
        take(claim, user.uuid)
        lock(organization)
        lock(user)
        membership = insert_member(organization=organization, user=user, role=role, at=caller.origin.at)
        _record_member(EventName.MEMBER_ADDED, caller, membership, {"role": role})
    return membership


def insert_member(*, organization: Organization, user: User, role: str, at: datetime) -> Membership:
    """Store a membership that begins now, `at`. Raises Conflict if the person is already a member."""
    membership = Membership(user=user, organization=organization, role=role, joined_at=at)
    try:
        with transaction.atomic():
            membership.save(force_insert=True)
    except IntegrityError:
        raise Conflict(
            "user",
            Sentence("%(who)s is already a member of %(organization)s", who=user, organization=organization),
        ) from None
    return membership


def change_member_role(
    *, caller: Caller, membership: Membership, role: str, expected: Expected = ANY_VERSION
) -> Membership:
    """Change the role of a member.

    Raises NotAllowed, Invalid, NotFound, PreconditionFailed, or Conflict if nobody could manage the
    organization afterwards.
    """
    role = authority.clean_organization_role(caller, membership.organization, role)
    with transaction.atomic():
        row = _locked(caller, membership, expected)
        if row.role != role:
            check_a_manager_stays(caller, row, role)
            write_role(row, role)
            _record_member(EventName.ROLE_CHANGED, caller, row, {"from": row.role, "to": role})
            row.role, row.version = role, row.version + 1
        wait_out_leases()  # no-op changes wait, too: another request may have just made the change
    return row


def write_role(membership: Membership, role: str) -> None:
    """Store another role. A member who no longer manages the organization loses the exception."""
    lost = {} if manages(role) else {"keeps_own_login": False}
    edit(Membership.objects.filter(pk=membership.pk), role=role, **lost)


def remove_member(*, caller: Caller, membership: Membership, expected: Expected = ANY_VERSION) -> None:
    """Remove a member from an organization.

    Raises NotAllowed, NotFound, PreconditionFailed, or Conflict if nobody could manage the organization
    afterwards.
    """
    with transaction.atomic():
        row = _locked(caller, membership, expected)
        check_a_manager_stays(caller, row)
        Membership.objects.filter(pk=row.pk).delete()
        _record_member(EventName.MEMBER_REMOVED, caller, row, {"role": row.role})


def _locked(caller: Caller, membership: Membership, expected: Expected) -> Membership:
    """Return a fresh copy of the membership; locks the organization, the person and the membership.

    Raises NotFound, NotAllowed if the caller may not change it, or PreconditionFailed.
    """
    lock(membership.organization)
    lock(membership.user)
    rows = Membership.objects.select_related("user", "organization").select_for_update(of=("self",))
    row = rows.filter(pk=membership.pk).first()
    if row is None:
        raise NotFound("This person is no longer a member.")
    authority.check_may_manage_organization(caller, row.organization)
    authority.check_not_above_in(caller, row.organization, row.user, row.role)
    expected.check(row)
    return row


def _record(
    name: EventName, caller: Caller, organization: Organization, detail: Mapping[str, Any] | None = None
) -> None:
    actor = caller.principal.actor
    target = Target.of("organization", organization, organization_id=organization.pk)
    record(name, actor=actor, origin=caller.origin, target=target, detail=detail)


def _record_member(name: EventName, caller: Caller, row: Membership, detail: Mapping[str, str]) -> None:
    about = {"user": str(row.user.uuid), **detail}
    record(name, actor=caller.principal.actor, origin=caller.origin, target=member_target(row), detail=about)


def member_target(row: Membership) -> Target:
    """Return the organization as the target of an event that is also about the member."""
    target = Target.of("organization", row.organization, organization_id=row.organization_id)
    return target.about(user=row.user)
