"""What the options of importkeys say: what to read, and a plan for each version of the keys."""

import re
from typing import Any

from django.conf import settings

from access.callers import caller_at_command_line
from access.credentials import BASIC_SCHEME, KONG_HEADER, OWN
from accounts.users.authority import check_global_role
from accounts.users.lookups import organization_named
from apikeys.durations import parse_duration
from apikeys.models import ApiKey, KeySource
from apikeys.services.api_keys import check_environment
from config import profiles
from config.wire.errors import Invalid
from migration.deciding import Plan
from migration.owners import OwnerRule
from migration.scope_map import read_scope_map
from migration.sources import SOURCES, Source, sources

SCHEME = re.compile(r"authorization: *([a-z][a-z0-9-]{0,30})", re.IGNORECASE)
USERS_TABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,120}")


def query_of(options: dict[str, Any]) -> str:
    """Return the query that exports the keys; empty if the system has none. Raises Invalid."""
    if options["system"] is None:
        raise Invalid("from", f"must be one of: {', '.join(sorted(SOURCES))}")
    if USERS_TABLE.fullmatch(options["users_table"]) is None:
        raise Invalid("users-table", "must be the name of a table")
    return _sources(options)[0].query.format(users=options["users_table"])


def _sources(options: dict[str, Any]) -> list[Source]:
    try:
        return sources(options["system"], options["version_of_keys"])
    except ValueError as error:
        raise Invalid("version-of-keys", str(error)) from None


def plans_of(options: dict[str, Any]) -> list[Plan]:
    """Return what the options say: a plan for each version of the keys. Raises Invalid."""
    now = caller_at_command_line().origin.at
    query_of(options)
    environment = options["environment"] or profiles.active().keys.default_environment
    check_environment(environment)
    owners, scopes = _owner_rule(options), read_scope_map(options["scopes"])
    unused_until = now + parse_duration("unused-for", options["unused_for"])
    plans = []
    for source in _sources(options):
        name = (options["name"] or options["system"]) + (source.ending or "")
        _check_name(name, source.kind)
        place = _place(options["header"], source.place)
        plans.append(Plan(name, source, place, owners, scopes, environment, unused_until))
    return plans


def _check_name(name: str, kind: str) -> None:
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}", name) is None:
        raise Invalid("name", "must have 1 to 40 letters, digits or any of . _ -")
    before = KeySource.objects.filter(name=name).first()
    if before is not None and before.kind != kind:
        raise Invalid("name", f"{name} has keys of the kind {before.kind}; give these keys another name")
    lost = ApiKey.objects.filter(imported_from=before).exclude(import_pepper__in=settings.PEPPERS)
    if before is not None and lost.exists():
        reason = "was used for an earlier import and is not here, so keys could be imported twice"
        raise Invalid("name", f"{name}: pepper {lost[0].import_pepper} {reason}; add it to the peppers")


def _place(given: str | None, default: str) -> str:
    own = profiles.active().keys.header
    header = default if given is None else given
    scheme = SCHEME.fullmatch(header)
    if header.lower() == own.lower() != "":
        return OWN
    if header.lower() == KONG_HEADER or given is None:
        return header.lower()
    if scheme is not None and scheme[1].lower() != BASIC_SCHEME:
        return scheme[1].lower()
    raise Invalid("header", f"must be 'Authorization: SCHEME', {KONG_HEADER}" + (f" or {own}" if own else ""))


def _owner_rule(options: dict[str, Any]) -> OwnerRule:
    if options["organization"] is not None:
        if options["make_owners"] is not None:
            raise Invalid("make-owners", "cannot be used with --organization")
        return OwnerRule(organization=organization_named(options["organization"]))
    if options["make_owners"] is not None:
        check_global_role(options["make_owners"])
    return OwnerRule(role=options["make_owners"])
