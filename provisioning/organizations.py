"""The organizations themselves: which ones are there, and their own members."""

from collections.abc import Collection, Mapping, Sequence

from django.db.models import QuerySet

from access.principals import Caller
from accounts.models import Organization
from accounts.organizations.changes import OrganizationChanges
from accounts.organizations.services import create_organization, delete_organization, update_organization
from accounts.users.names import fold
from apikeys.models import ApiKey
from apikeys.quotas.services import change_organization_quota
from apikeys.services.revocation import revoke_api_keys
from provisioning.changes import Action, Change, Values, differences, initial
from provisioning.desired import WantedOrganization
from provisioning.kinds.keys import REASON
from provisioning.kinds.quotas import quota_of
from provisioning.refusals import Refused

KIND = "organization"
AT_ONCE = 500  # names in a query


def find_all(wanted: Sequence[WantedOrganization]) -> Mapping[str, Organization]:
    """Return the organizations that are there, by their folded names."""
    keys = sorted({key for each in wanted for key in (each.key, fold(each.renamed_from)) if key})
    found: dict[str, Organization] = {}
    for start in range(0, len(keys), AT_ONCE):
        rows = with_quotas().filter(name_key__in=keys[start : start + AT_ONCE])
        found |= {row.name_key: row for row in rows}
    return found


def with_quotas() -> QuerySet[Organization]:
    """Return all organizations, read together with what their keys share."""
    return Organization.objects.select_related("quota")


def the_one(wanted: WantedOrganization, found: Mapping[str, Organization]) -> Organization | None:
    """Return the organization that the file means, also under its earlier name. Raises Refused."""
    row, earlier = found.get(wanted.key), found.get(fold(wanted.renamed_from))
    if row and earlier and row.pk != earlier.pk:
        raise Refused(
            wanted, f"{wanted.renamed_from} is still there beside {wanted.name}; rename one by hand"
        )
    return row or earlier


def change_of(wanted: WantedOrganization, row: Organization | None, *, prune: bool) -> Change | None:
    """Return what changes about the organization itself, or None."""
    if wanted.absent:
        action = Action.DELETE if prune else Action.KEEP
        return Change(action, KIND, row.name) if row else None
    values = _wanted_values(wanted)
    if row is None:
        return Change(Action.CREATE, KIND, wanted.name, initial(values))
    quota = str(quota_of(row))
    present: Values = {"name": row.name, "requires_second_factor": row.requires_second_factor, "quota": quota}
    different = differences({"name": wanted.name, **values}, present)
    return Change(Action.UPDATE, KIND, row.name, different) if different else None


def _wanted_values(wanted: WantedOrganization) -> Values:
    flag, quota = wanted.requires_second_factor, wanted.quota
    values: Values = {"requires_second_factor": flag, "quota": None if quota is None else str(quota)}
    return {member: value for member, value in values.items() if value is not None}


def settle(
    caller: Caller, wanted: WantedOrganization, row: Organization | None, members: Collection[str]
) -> Organization:
    """Make the organization, or change these members, and return it. Raises DomainError."""
    made = row or create_organization(caller=caller, name=wanted.name)
    if wanted.quota is not None and "quota" in members:
        change_organization_quota(caller=caller, organization=made, changes=wanted.quota.changes)
    changes = {member: getattr(wanted, member) for member in members if member != "quota"}
    if not changes:
        return made
    return update_organization(caller=caller, organization=made, changes=OrganizationChanges(**changes))


def delete(caller: Caller, row: Organization) -> None:
    """Delete an organization, and revoke the keys that it still has. Raises DomainError."""
    revoke_api_keys(
        caller=caller, selected=ApiKey.objects.filter(organization=row).unrevoked(), reason=REASON
    )
    delete_organization(caller=caller, organization=row)
