"""Service keys: those of an organization. Their names are unique among the keys that have not ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from access.key_limits import Limits, Rate, clean_networks, clean_rate
from accounts.models import Organization
from accounts.users.names import clean_name
from apikeys import scopes
from apikeys.attributes import clean_attributes, clean_description, clean_metadata, from_text
from apikeys.changes import ApiKeyChanges
from apikeys.durations import parse_duration, parse_rate
from apikeys.management.arguments import parse_time
from apikeys.models import ApiKey
from apikeys.quotas.services import change_key_quota
from apikeys.services.api_keys import (
    check_environment,
    check_expiry,
    check_scopes,
    create_api_key,
    update_api_key,
)
from apikeys.services.enabling import disable_api_keys, enable_api_keys
from apikeys.services.granting import change_scopes
from apikeys.services.revocation import revoke_api_keys
from config import profiles
from config.wire.errors import Invalid
from config.wire.fields import timestamp
from provisioning.changes import Names, Values
from provisioning.documents import Node
from provisioning.kinds.base import Kind, Secret, Wanted, Work, members_of, written
from provisioning.kinds.quotas import PlannedQuota, quotas_of, read_quota
from provisioning.members import Members

MEMBERS = (
    *("scopes", "environment", "expires_in", "expires_at", "description", "metadata", "attributes"),
    *("allowed_networks", "rate_limit", "quota", "disabled"),
)
REASON = "not in the file that was applied"
IN_PLACE = frozenset({"description", "metadata", "allowed_networks", "rate_limit"})


@dataclass(frozen=True)
class WantedKey(Wanted):
    """A key as the file describes it. `expires_in` counts at its creation; None leaves `disabled` alone."""

    scopes: tuple[str, ...]
    environment: str
    expires_in: timedelta | None
    expires_at: datetime | None
    description: str
    metadata: Mapping[str, str]
    attributes: Mapping[str, Any]
    allowed_networks: tuple[str, ...]
    rate_limit: Rate | None
    quota: PlannedQuota
    disabled: bool | None

    def end(self, now: datetime) -> datetime | None:
        """When a key that is made now expires."""
        return self.expires_at if self.expires_in is None else now + self.expires_in


class PresentKey(NamedTuple):
    """A key that is there, and its quota."""

    row: ApiKey
    quota: PlannedQuota


class Keys(Kind[WantedKey, PresentKey]):
    name, section, has_secret, ends_with = "key", "keys", True, "revoked"

    def __init__(self) -> None:
        self.fixed = frozenset({"environment", "expires_at", *profiles.active().keys.attributes})

    def read(self, name: str, node: Node, line: int, within: Members) -> WantedKey | None:
        members = members_of(name, node, within)
        if members is None:
            return None
        members.check_known(MEMBERS)
        return WantedKey(
            name=within.cleaned(name, lambda: clean_name("name", name), name),
            line=line,
            scopes=_scopes(members),
            environment=_environment(members),
            expires_in=_expires_in(members),
            expires_at=_expires_at(members),
            description=members.cleaned(
                "description", lambda: clean_description(members.text("description") or ""), ""
            ),
            metadata=members.cleaned("metadata", lambda: clean_metadata(members.pairs("metadata")), {}),
            attributes=_attributes(members),
            allowed_networks=members.cleaned(
                "allowed_networks",
                lambda: tuple(clean_networks(members.texts("allowed_networks"), Limits())),
                (),
            ),
            rate_limit=members.cleaned("rate_limit", lambda: _rate(members), None),
            quota=read_quota(members),
            disabled=members.flag("disabled"),
        )

    def present(self, organization: Organization | None, now: datetime) -> list[PresentKey]:
        """Return the keys that have not ended, without those that a successor is about to replace."""
        keys = ApiKey.objects.filter(organization=organization).unended(now)
        rows, quotas = list(keys.order_by("pk")), quotas_of(keys)
        replaced = {row.predecessor_id for row in rows}
        kept = (row for row in rows if row.pk not in replaced)
        return [PresentKey(row, quotas.get(row.first_uuid, PlannedQuota())) for row in kept]

    def names_of(self, present: PresentKey) -> Names:
        return Names(present.row.name, (present.row.name,))

    def wanted_values(self, wanted: WantedKey) -> Values:
        values = {
            "scopes": tuple(sorted(wanted.scopes)),
            "environment": wanted.environment,
            "description": wanted.description,
            "metadata": _in_lines(wanted.metadata),
            "allowed_networks": tuple(sorted(wanted.allowed_networks)),
            "rate_limit": wanted.rate_limit and str(wanted.rate_limit),
            "quota": str(wanted.quota),
            **wanted.attributes,
        }
        if wanted.expires_at is not None:
            values["expires_at"] = timestamp(wanted.expires_at)
        if wanted.disabled is not None:
            values["disabled"] = wanted.disabled
        return values

    def present_values(self, present: PresentKey) -> Values:
        row = present.row
        return {
            "scopes": tuple(sorted(row.scopes)),
            "environment": row.environment,
            "description": row.description,
            "metadata": _in_lines(row.metadata),
            "allowed_networks": tuple(sorted(row.allowed_networks)),
            "rate_limit": row.rate_limit and str(row.rate_limit),
            "quota": str(present.quota),
            "expires_at": row.expires_at and timestamp(row.expires_at),
            "disabled": row.disabled_at is not None,
            **clean_attributes(row.attributes),
        }

    def exported(self, present: PresentKey) -> Mapping[str, Any]:
        row, attributes = present.row, profiles.active().keys.attributes
        values = {
            name: value for name, value in self.present_values(present).items() if name not in attributes
        }
        own = {"scopes": row.scopes, "metadata": row.metadata, "attributes": row.attributes}
        own |= {"allowed_networks": row.allowed_networks, "quota": present.quota.exported()}
        return written({**values, **own}, "scopes")

    def check_new(self, wanted: WantedKey, now: datetime) -> None:
        check_expiry(wanted.end(now), now)

    def create(self, work: Work, wanted: WantedKey) -> Secret:
        new = create_api_key(
            caller=work.caller,
            name=wanted.name,
            owner=work.place,
            description=wanted.description,
            metadata=wanted.metadata,
            granted=wanted.scopes,
            environment=wanted.environment,
            expires_at=wanted.end(work.caller.origin.at),
            attributes=wanted.attributes,
            allowed_networks=wanted.allowed_networks,
            rate_limit=wanted.rate_limit,
        )
        if wanted.quota != PlannedQuota():
            change_key_quota(caller=work.caller, key=new.row, changes=wanted.quota.changes)
        if wanted.disabled:
            disable_api_keys(caller=work.caller, selected=[new.row])
        return Secret(work.within, self.name, wanted.name, {"key": new.text})

    def update(self, work: Work, wanted: WantedKey, present: PresentKey, members: Sequence[str]) -> None:
        row = present.row
        if "scopes" in members:
            change_scopes(caller=work.caller, key=row, granted=wanted.scopes)
        if changes := {member: getattr(wanted, member) for member in IN_PLACE.intersection(members)}:
            if "metadata" in changes:
                changes["metadata"] = dict.fromkeys(row.metadata) | dict(wanted.metadata)
            update_api_key(caller=work.caller, key=row, changes=ApiKeyChanges(**changes))
        if "quota" in members:
            change_key_quota(caller=work.caller, key=row, changes=wanted.quota.changes)
        if "disabled" in members:
            switch = disable_api_keys if wanted.disabled else enable_api_keys
            switch(caller=work.caller, selected=[row])

    def delete(self, work: Work, rows: Sequence[PresentKey]) -> None:
        """Revoke keys, and those that they are about to replace. Raises DomainError."""
        selected = [present.row for present in rows]
        ended = {row.predecessor_id for row in selected}
        while before := list(ApiKey.objects.filter(pk__in=list(filter(None, ended))).unrevoked()):
            selected += before
            ended = {row.predecessor_id for row in before}
        revoke_api_keys(caller=work.caller, selected=selected, reason=REASON)


def _scopes(members: Members) -> tuple[str, ...]:
    granted = members.texts("scopes")
    members.cleaned("scopes", lambda: check_scopes(granted), None)
    return tuple(scopes.unique(granted))


def _environment(members: Members) -> str:
    environment = members.text("environment") or profiles.active().keys.default_environment
    members.cleaned("environment", lambda: check_environment(environment), None)
    return environment


def _expires_in(members: Members) -> timedelta | None:
    text = members.text("expires_in")
    if text is not None and members.text("expires_at") is not None:
        with members.noting("expires_in"):
            raise Invalid("expires_in", "must be left out beside expires_at")
    return (text and members.cleaned("expires_in", lambda: parse_duration("expires_in", text), None)) or None


def _expires_at(members: Members) -> datetime | None:
    text = members.text("expires_at")
    return (text and members.cleaned("expires_at", lambda: parse_time("expires_at", text), None)) or None


def _attributes(members: Members) -> Mapping[str, Any]:
    given = {name: from_text(name, text) for name, text in members.pairs("attributes").items()}
    return members.cleaned("attributes", lambda: clean_attributes(given), {})


def _rate(members: Members) -> Rate | None:
    text = members.text("rate_limit")
    return clean_rate(parse_rate("rate_limit", text), Limits()) if text is not None else None


def _in_lines(pairs: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"{name}={value}" for name, value in sorted(pairs.items()))
