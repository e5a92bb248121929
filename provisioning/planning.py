"""Plans: what must change so that an organization is as the file wants it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from accounts.models import Organization
from config.wire.errors import DomainError
from provisioning import organizations
from provisioning.changes import Action, Ambiguous, Change, differences, initial, pairs
from provisioning.desired import Desired, Sections, WantedOrganization
from provisioning.kinds import kinds
from provisioning.kinds.base import Kind, Match, Secret, Wanted, Work
from provisioning.refusals import Refused

OUTSIDE = Wanted("outside all organizations", 0)


class Options(NamedTuple):
    """What may be done beyond making and changing: delete what the file does not name, replace keys."""

    prune: bool = False
    replace: bool = False


@dataclass(frozen=True)
class Step:
    """A change, and how it is made."""

    change: Change
    kind: Kind[Any, Any]
    wanted: Any
    row: Any

    @property
    def makes_secret(self) -> bool:
        """Whether a new secret comes of it."""
        return self.kind.has_secret and self.change.action in {Action.CREATE, Action.REPLACE}

    @property
    def invites(self) -> bool:
        """Whether it sends an invitation."""
        return self.wanted is not None and self.kind.invites(self.wanted, self.row)

    def run(self, work: Work) -> Secret | None:
        """Make the change, and return the secret that came of it. Raises DomainError."""
        action = self.change.action
        if action in {Action.DELETE, Action.REPLACE}:
            self.kind.delete(work, [self.row])
        if action in {Action.CREATE, Action.REPLACE}:
            return self.kind.create(work, self.wanted)
        if action is Action.UPDATE:
            members = [each.member for each in self.change.differences]
            self.kind.update(work, self.wanted, self.row, members)
        return None


@dataclass(frozen=True)
class Plan:
    """The changes to one organization, or outside every one if there is no `wanted`."""

    wanted: WantedOrganization | None
    row: Organization | None
    own: Change | None
    steps: tuple[Step, ...]

    @property
    def name(self) -> str:
        """The organization's present name, or the wanted one; empty outside."""
        return self.row.name if self.row else self.wanted.name if self.wanted else ""

    @property
    def changes(self) -> tuple[Change, ...]:
        """All changes, that of the organization itself first."""
        own = (self.own,) if self.own else ()
        return (*own, *(step.change for step in self.steps))

    @property
    def is_drift(self) -> bool:
        """Whether anything differs."""
        return any(change.is_drift for change in self.changes)

    @property
    def secrets(self) -> int:
        """How many new secrets come of it."""
        return sum(step.makes_secret for step in self.steps)

    @property
    def replaced(self) -> Step | None:
        """The first step that replaces something."""
        return next((step for step in self.steps if step.change.action is Action.REPLACE), None)

    @property
    def invited(self) -> Step | None:
        """The first step that sends an invitation."""
        return next((step for step in self.steps if step.invites), None)


def plans(desired: Desired, options: Options, now: datetime) -> Iterator[Plan]:
    """Yield the plan of each organization in the file, then of what is outside. Raises Refused."""
    found = organizations.find_all(desired.organizations)
    for wanted in desired.organizations:
        yield plan_of(wanted, found, options, now)
    yield plan_outside(desired.outside, options, now)


def plan_again(plan: Plan, desired: Desired, options: Options, now: datetime) -> Plan:
    """Return the same plan made of what is there now. Raises Refused."""
    if plan.wanted is None:
        return plan_outside(desired.outside, options, now)
    return plan_of(plan.wanted, organizations.find_all([plan.wanted]), options, now)


def plan_of(
    wanted: WantedOrganization, found: Mapping[str, Organization], options: Options, now: datetime
) -> Plan:
    """Return the plan of one organization, of those that were `found`. Raises Refused."""
    row = organizations.the_one(wanted, found)
    own = organizations.change_of(wanted, row, prune=options.prune)
    if wanted.absent and (row is None or not options.prune):
        return Plan(wanted, row, own, ())
    sections: Sections = {kind.section: () for kind in kinds()} if wanted.absent else wanted.sections
    return Plan(wanted, row, own, tuple(_steps(wanted, row, sections, options, now)))


def plan_outside(sections: Sections, options: Options, now: datetime) -> Plan:
    """Return the plan of what is outside every organization. Raises Refused."""
    return Plan(None, None, None, tuple(_steps(None, None, sections, options, now)))


def _steps(
    wanted: WantedOrganization | None,
    row: Organization | None,
    sections: Sections,
    options: Options,
    now: datetime,
) -> Iterator[Step]:
    for kind in kinds(outside=wanted is None):
        if kind.section in sections:
            rows = kind.present(row, now) if row or wanted is None else []
            matches = _matches(kind, sections[kind.section], rows, wanted or OUTSIDE)
            if not (wanted and wanted.absent):
                _check_outcome(kind, matches, options, wanted or OUTSIDE)
            steps = _steps_of(kind, matches, options, now)
            yield from sorted(steps, key=_deletes_nothing) if kind.deletes_first else steps


def _deletes_nothing(step: Step) -> bool:
    return step.change.action is not Action.DELETE


def _matches(
    kind: Kind[Any, Any], wanted: Sequence[Wanted], rows: Sequence[Any], within: Wanted
) -> list[Match[Any, Any]]:
    try:
        found = pairs([each.key for each in wanted], [kind.names_of(row) for row in rows])
    except Ambiguous as error:
        raise Refused(within, f"{kind.section}: {error}") from None
    return [
        Match(
            None if pair.wanted is None else wanted[pair.wanted],
            None if pair.present is None else rows[pair.present],
        )
        for pair in found
    ]


def _check_outcome(
    kind: Kind[Any, Any], matches: Sequence[Match[Any, Any]], options: Options, within: Wanted
) -> None:
    remaining = [match for match in matches if match.wanted is not None or not options.prune]
    try:
        kind.check_outcome(matches, remaining)
    except DomainError as error:
        raise Refused(within, error.detail) from None


def _steps_of(
    kind: Kind[Any, Any], matches: Sequence[Match[Any, Any]], options: Options, now: datetime
) -> Iterator[Step]:
    for match in matches:
        change = _change(kind, match, options)
        if change is None:
            continue
        if change.action in {Action.CREATE, Action.REPLACE}:
            try:
                kind.check_new(match.wanted, now)
            except DomainError as error:
                raise Refused(match.wanted or OUTSIDE, error.detail) from None
        yield Step(change, kind, match.wanted, match.row)


def _change(kind: Kind[Any, Any], match: Match[Any, Any], options: Options) -> Change | None:
    wanted, row = match
    if wanted is None:
        action = Action.DELETE if options.prune else Action.KEEP
        return Change(action, kind.name, kind.names_of(row).shown)
    values = kind.wanted_values(wanted)
    if row is None:
        return Change(Action.CREATE, kind.name, wanted.name, initial(values))
    different = differences(values, kind.present_values(row))
    if not different:
        return None
    is_fixed = any(each.member in kind.fixed for each in different)
    return Change(Action.REPLACE if is_fixed else Action.UPDATE, kind.name, wanted.name, different)
