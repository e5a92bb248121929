"""Writes what is there as a file that plans to no change."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from accounts.models import Organization
from config.wire.errors import Conflict, Sentence
from provisioning.kinds import kinds
from provisioning.kinds.base import Exported, Kind
from provisioning.kinds.quotas import quota_of


def export(organizations: Sequence[Organization], now: datetime, *, outside: bool) -> dict[str, Any]:
    """Return the document of these organizations, and of what is outside every one.

    Raises Conflict if two things of a kind have the same name, because a file names them by it.
    """
    document: dict[str, Any] = {"organizations": {row.name: _organization(row, now) for row in organizations}}
    if outside:
        document |= {kind.section: _section(kind, None, now) for kind in kinds(outside=True)}
    return document


def _organization(row: Organization, now: datetime) -> dict[str, Any]:
    sections = {kind.section: _section(kind, row, now) for kind in kinds()}
    own = {"requires_second_factor": row.requires_second_factor, "quota": quota_of(row).exported()}
    return own | sections


def _section(kind: Kind[Any, Any], row: Organization | None, now: datetime) -> dict[str, Exported]:
    rows = kind.present(row, now)
    counted = Counter(kind.names_of(each).shown for each in rows)
    name, number = counted.most_common(1)[0] if counted else ("", 0)
    if number > 1:
        where = f" of {row}" if row else ""
        raise Conflict(
            kind.section,
            Sentence(
                "%(number)d%(where)s are named %(name)s; rename all but one",
                number=number,
                where=where,
                name=name,
            ),
        )
    return {kind.names_of(each).shown: kind.exported(each) for each in rows}
