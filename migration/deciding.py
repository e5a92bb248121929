"""Decides what becomes of each key of a batch, and counts it. Writes nothing."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from access.key_limits import Limits, clean_networks
from access.principals import Caller
from accounts.users.names import clean_name
from config.wire.errors import DomainError
from migration.key_rows import Accepted, Digested, Outcome, already_here, digested
from migration.owners import OwnerRule, Owners
from migration.revoking import Seen
from migration.rows import Fault, ForeignKey
from migration.scope_map import ScopeMap
from migration.sources import Source

MOST_FAULTS = 100  # in memory
LONGEST_REASON = 500  # characters: some repeat what is wrong


class Plan(NamedTuple):
    """What to import and how. `name` is the operator's for the system, and `unused_until` the deadline."""

    name: str
    source: Source
    place: str
    owners: OwnerRule
    scopes: ScopeMap
    environment: str
    unused_until: datetime


@dataclass
class Report:
    """What became of the rows. In a dry run, what would have become of them."""

    read: int = 0
    imported: int = 0
    already_here: int = 0
    ended: int = 0  # revoked or expired where they come from, and not here
    revoked: int = 0
    disabled: int = 0
    owners_made: int = 0
    shortened: int = 0  # their expiry is later than the profile allows
    faulty: int = 0
    has_changed: bool = False  # the source since its check, or an owner here
    faults: list[str] = field(default_factory=list)

    def add_fault(self, place: str, reason: str) -> None:
        self.faulty += 1
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(f"{place}: {reason[:LONGEST_REASON]}")


class Batch(NamedTuple):
    """Some keys, and what all batches of an import share. `latest` is the profile's latest expiry."""

    caller: Caller
    plan: Plan
    keys: Sequence[ForeignKey]
    owners: Owners
    report: Report
    latest: datetime | None

    @property
    def now(self) -> datetime:
        return self.caller.origin.at


class Found(NamedTuple):
    """What is to be done with the keys of a batch; the last two are primary keys."""

    fresh: list[Accepted]
    ended: list[int]
    idle: list[int]


def decide(batch: Batch, seen: Seen) -> Found:
    """Read what is here of the keys of a batch, and count what is to be done with each."""
    report, now = batch.report, batch.now
    batch.owners.look_up(batch.keys)
    given = digested(batch.plan.source.kind, batch.keys)
    here = already_here(batch.plan.source, given)
    seen.add(row.pk for row in here.values())
    fresh = list(_fresh(batch, given, here))
    known = [(here[key.digest], key) for key in batch.keys if key.digest in here]
    ended = [row.pk for row, key in known if key.is_revoked and row.revoked_at is None]
    idle = [row.pk for row, key in known if key.is_disabled and row.is_active(now)]
    report.imported += len(fresh)
    report.revoked += len(ended)
    report.disabled += len(idle)
    return Found(fresh, ended, idle)


def _fresh(batch: Batch, given: Sequence[Digested], here: Container[bytes]) -> Iterator[Accepted]:
    """Yield each key that is to be imported, and count all others."""
    report, taken = batch.report, set[bytes]()
    for each in given:
        key = each.key
        if key.digest in here or key.digest in taken:
            report.already_here += 1
        elif _has_ended(key, batch.now):
            report.ended += 1
        else:
            try:
                outcome = _outcome(batch, key)
            except (Fault, DomainError) as error:
                report.add_fault(key.place, str(error))
                continue
            taken.add(key.digest)
            yield Accepted(each, outcome)


class _Refused(NamedTuple):
    """A key that cannot be imported unless it is here, and why."""

    key: ForeignKey
    reason: str


def find_broken(batch: Batch) -> None:
    """Count the keys that cannot be imported. Only these are looked up: one that is here is not broken."""
    source, refused, taken = batch.plan.source, list[_Refused](), set[bytes]()
    batch.owners.look_up(batch.keys)
    for key in batch.keys:
        if key.digest in taken or _has_ended(key, batch.now):
            continue
        try:
            _outcome(batch, key)
        except (Fault, DomainError) as error:
            refused.append(_Refused(key, str(error)))
        else:
            taken.add(key.digest)
    here = already_here(source, digested(source.kind, [each.key for each in refused]))
    for key, reason in refused:
        if key.digest not in here:
            batch.report.add_fault(key.place, reason)


def _has_ended(key: ForeignKey, now: datetime) -> bool:
    return key.is_revoked or (key.expires_at is not None and key.expires_at <= now)


def _outcome(batch: Batch, key: ForeignKey) -> Outcome:
    """Return what a key becomes here. Raises Fault, and DomainError for wrong members."""
    if batch.plan.source.is_slow and not key.hash:
        raise Fault("digest must begin with pbkdf2_sha256$; others are imported with --version-of-keys 3")
    granted = batch.plan.scopes.granted(key.scopes)
    name = _cleaned(key.name or f"{batch.plan.name} key")
    networks = clean_networks(key.networks, Limits()) if key.networks else []
    owner, latest = batch.owners.of(key), batch.latest
    is_within = latest is None or (key.expires_at is not None and key.expires_at <= latest)
    batch.report.shortened += not is_within
    return Outcome(owner, name, granted, networks, key.expires_at if is_within else latest)


@lru_cache(maxsize=256)
def _cleaned(name: str) -> str:
    return clean_name("name", name)
