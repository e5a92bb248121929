"""The import itself: reads rows, and stores the keys that are new, a batch at a time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice

from django.db import IntegrityError, transaction

from access.principals import Caller
from accounts.users.lookups import lock_owners
from apikeys.models import KeySource
from apikeys.services.api_keys import latest_expiry
from audit.actors import Target
from audit.events import EventName
from audit.log import Entry, record_all
from config.wire.errors import Conflict
from migration.deciding import Batch, Plan, Report, decide, find_broken
from migration.distinct import Distinct
from migration.key_rows import Accepted, store_keys
from migration.owners import Owners
from migration.revoking import Seen, disable, revoke
from migration.rows import Fault, ForeignKey, Raw, read
from migration.unused import change

AT_ONCE = 1_000  # keys in a transaction
Progress = Callable[[int], None]


def import_keys(*, caller: Caller, plan: Plan, rows: Iterable[Raw], seen: Seen, progress: Progress) -> Report:
    """Import keys that are not here yet, and carry over revocations of those that are.

    A row that cannot be imported is in the report, and the rest goes on. What a crash interrupts can be
    started again: keys that are here stay as they are. `seen` is told of the keys that are here.
    Raises Conflict if another command stores one of the keys or owners, or deletes an owner, at this moment.
    """
    report, owners = Report(), Owners(plan.owners, caller)
    for number, batch in enumerate(_batches(caller, plan, rows, owners, report)):
        if not number:
            with transaction.atomic():
                _opened(caller, plan)
        _import_batch(batch, seen)
        report.owners_made = owners.made
        progress(report.read)
    return report


def try_import(*, caller: Caller, plan: Plan, rows: Iterable[Raw], seen: Seen, progress: Progress) -> Report:
    """Return what `import_keys` would do with the keys, and change nothing."""
    report = Report()
    with closing(Distinct()) as met:
        owners = Owners(plan.owners, caller, met)
        for batch in _batches(caller, plan, rows, owners, report):
            decide(batch, seen)
            progress(report.read)
    report.owners_made = owners.made
    return report


def check_keys(*, caller: Caller, plan: Plan, rows: Iterable[Raw], progress: Progress) -> Report:
    """Return how many keys cannot be imported, and why. Counts nothing else."""
    report, owners = Report(), Owners(plan.owners, caller)
    for batch in _batches(caller, plan, rows, owners, report):
        find_broken(batch)
        progress(report.read)
    return report


def _batches(
    caller: Caller, plan: Plan, rows: Iterable[Raw], owners: Owners, report: Report
) -> Iterator[Batch]:
    remaining, latest = iter(rows), latest_expiry(caller.origin.at)
    while raws := list(islice(remaining, AT_ONCE)):
        yield Batch(caller, plan, list(_readable(raws, plan, report)), owners, report, latest)


def _readable(batch: Sequence[Raw], plan: Plan, report: Report) -> Iterator[ForeignKey]:
    for raw in batch:
        report.read += 1
        try:
            yield read(raw, plan.source)
        except Fault as fault:
            report.add_fault(raw.place, str(fault))


def _import_batch(batch: Batch, seen: Seen) -> None:
    """Import the keys of a batch: new ones in one transaction, and what ended in others. Raises Conflict."""
    try:
        with transaction.atomic():
            source = _opened(batch.caller, batch.plan)
            found = decide(batch, seen)
            _store(batch, source, found.fresh)
    except IntegrityError:
        raise Conflict("from", "keys or owners were changed meanwhile; import again") from None
    revoke(batch.caller, found.ended)
    disable(batch.caller, found.idle)


def _store(batch: Batch, source: KeySource, fresh: Sequence[Accepted]) -> None:
    """Store new keys and their new owners, and record them."""
    if not fresh:
        return
    caller, plan = batch.caller, batch.plan
    owners = [each.outcome.owner for each in fresh]
    lock_owners({each.organization_id for each in owners}, {each.user_id for each in owners})
    entries = batch.owners.store_new()
    stored = store_keys(fresh, source, plan.environment, plan.unused_until, caller.origin.at)
    target = Target("key_source", str(source.pk), source.name)
    detail = {"keys": len(stored), "first": str(stored[0].uuid), "last": str(stored[-1].uuid)}
    entries.append(Entry(EventName.API_KEY_IMPORTED, target, detail))
    record_all(entries, actor=caller.principal.actor, origin=caller.origin)


def _opened(caller: Caller, plan: Plan) -> KeySource:
    """Return the system, locked until the transaction ends, with its keys looked up from now on."""
    known = KeySource.objects.select_for_update()
    source = known.filter(name=plan.name).first()
    if source is None:  # of two first imports at once, one makes the row
        closed = {"is_open": False, "has_unused": False}
        KeySource.objects.get_or_create(name=plan.name, defaults={"kind": plan.source.kind, **closed})
        source = known.get(name=plan.name)
    source.place = plan.place
    change(caller, source, is_open=True, has_unused=True)
    return source
