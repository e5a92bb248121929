from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from django.core.management.base import CommandError

from access.callers import caller_at_command_line
from access.principals import Caller
from apikeys.models import KeySource
from config.commands.base import KeyhouseCommand, Output
from config.commands.tables import Table
from config.commands.terminal import progress_bar, say
from config.logs import escape
from config.wire.errors import Invalid
from migration import reading, revoking
from migration.coverage import coverage
from migration.deciding import Plan, Report
from migration.management.plans import plans_of, query_of
from migration.rows import Raw
from migration.services import Progress, check_keys, import_keys, try_import
from migration.sources import SOURCES
from migration.unused import settle

UNUSED_FOR = "90d"
SHOWN_FAULTS = 20
WORDS = {
    "read": "keys read",
    "imported": "imported",
    "already_here": "already here",
    "ended": "left out: revoked or expired in the other system",
    "revoked": "revoked, as in the other system",
    "disabled": "disabled, as in the other system",
    "owners_made": "owners made",
    "shortened": "expiry brought forward to the longest that the profile allows",
    "faulty": "left out: broken",
}


class Command(KeyhouseCommand):
    help = (
        "Import the API keys of another system. They go on working as they are, in the header that their "
        "clients use. Reads a database or a CSV file. Without --keep-going, a broken key stops the import "
        "before it begins. Importing again adds new keys, and revokes those that ended meanwhile. Without "
        "SOURCE, shows how many imported keys have been used."
    )
    examples = (
        "{} --from drf-authtoken postgres://app@db.example.com/app --dry-run",
        "{} --from knox tokens.csv --scopes scopes.toml --make-owners viewer",
        "{} --from drf-authtoken --query",
        "{}",
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("source", nargs="?", metavar="SOURCE", help="a database URL or a CSV file")
        parser.add_argument("--from", dest="system", choices=sorted(SOURCES), help="the system of the keys")
        parser.add_argument(
            "--version-of-keys",
            metavar="N",
            help="knox: 5 (default) or 4; drf-api-key: 3 (default) or 2; netbox: 1 or 2, else both; "
            "csv with digests: sha256 or sha512",
        )
        parser.add_argument("--query", action="store_true", help="print the query that exports the keys")
        parser.add_argument("--name", help="your name for the system, if you have several of its kind")
        parser.add_argument(
            "--header", help="where clients send the keys, such as 'Authorization: Token' or apikey"
        )
        parser.add_argument("--users-table", default="auth_user", help="default: %(default)s")
        parser.add_argument("--organization", help="the organization that gets all keys")
        parser.add_argument(
            "--make-owners", metavar="ROLE", help="create missing owners with this global role"
        )
        parser.add_argument(
            "--scopes", metavar="FILE", help="TOML file that says which scopes each old scope becomes"
        )
        parser.add_argument("--environment", help="default: the profile's default_environment")
        parser.add_argument(
            "--unused-for",
            metavar="DURATION",
            default=UNUSED_FOR,
            help="disable a key that nobody uses within this time of its import; default: %(default)s",
        )
        parser.add_argument(
            "--keep-missing", action="store_true", help="do not revoke keys that are gone from SOURCE"
        )
        parser.add_argument(
            "--complete",
            action="store_true",
            help="the file has all keys: revoke those that are gone from it",
        )
        parser.add_argument(
            "--keep-going", action="store_true", help="leave out broken keys and import the rest"
        )
        parser.add_argument("--dry-run", action="store_true", help="only show what would be imported")

    def handle(self, *args: Any, **options: Any) -> None:
        self.has_changed = False
        super().handle(*args, **options)
        if self.has_changed:
            raise CommandError(CHANGED)

    def run(self, options: dict[str, Any]) -> Output:
        if options["query"]:
            return _query(options)
        if options["source"] is None:
            return _coverage()
        caller, plans = caller_at_command_line(), plans_of(options)
        if any(plan.source.is_slow for plan in plans):
            say(f"warning: {SLOW}")
        reports = _import(caller, plans, options)
        self.has_changed = any(each.has_changed for each in reports)
        counts = {name: sum(getattr(each, name) for each in reports) for name in WORDS}
        faults = [fault for each in reports for fault in each.faults]
        rows = [(WORDS[name], number) for name, number in counts.items() if number or name == "imported"]
        notes = [escape(fault) for fault in faults[:SHOWN_FAULTS]]
        notes += [QUERY_KEYS] if options["system"] == "kong" else []
        is_dry = options["dry_run"]
        document = {"dry_run": is_dry, "source": plans[0].name, **counts, "faults": faults}
        return Output(document, [Table(("", "would be" if is_dry else "number"), rows), *notes])


QUERY_KEYS = "Keyhouse refuses keys in the query string: clients that send them there must send the header."

CHANGED = (
    "the source or the owners here changed during the import, so rows may be left out; import again: keys "
    "that are here stay as they are"
)
SLOW = (
    "a server hashes each of these keys at its first use, for up to a second of a core. It hashes one at a "
    "time and answers 503 to others meanwhile. Strangers who know the prefix of an unused key can cause this."
)


def _query(options: dict[str, Any]) -> Output:
    query = query_of(options)
    if not query:
        raise Invalid("from", "must name a system that has a query")
    return Output({"query": query}, query)


def _coverage() -> Output:
    found = coverage()
    heads = ("source", "imported", "used", "unused", "disabled", "revoked")
    rows = [[document[head] for head in heads] for document in found]
    return Output(found, [Table(heads, rows, "no keys were imported")])


def _import(caller: Caller, plans: Sequence[Plan], options: dict[str, Any]) -> list[Report]:
    """Import, and first look for broken keys unless the operator wants to leave them out."""
    if options["dry_run"]:
        _check_readings(options, len(plans))
        return [_dry_pass(caller, plan, options) for plan in plans]
    first = reading.stamp_of(options["source"])
    _check_readings(options, len(plans) * (1 if options["keep_going"] else 2))
    totals: list[int | None] = [None for _ in plans]
    if not options["keep_going"]:
        reports = [_check(caller, plan, options) for plan in plans]
        faults = [fault for each in reports for fault in each.faults]
        if faults:
            number = sum(each.faulty for each in reports)
            more = f" ({number} keys are broken)" if number > 1 else ""
            raise CommandError(escape(f"{faults[0]}{more}; --keep-going imports the rest"))
        totals = [each.read for each in reports]
    return [_pass(caller, plan, options, total, first) for plan, total in zip(plans, totals, strict=True)]


def _check_readings(options: dict[str, Any], number: int) -> None:
    """Raise Invalid if SOURCE cannot be read so often; so a file whose end is damaged changes nothing."""
    place = options["source"]
    if reading.is_stream(place):
        if number > 1:
            raise Invalid("from", f"{place} must be a file, because it is read {number} times")
    elif options["keep_going"] and not reading.is_database(place):
        reading.check_whole(place)


def _check(caller: Caller, plan: Plan, options: dict[str, Any]) -> Report:
    """Look for broken keys, and refuse to revoke most of those that are here. Raises Invalid."""
    if _has_all(options) and _source(plan) is not None:
        return _dry_pass(caller, plan, options)
    with _progress("checking", plan, None, options) as progress:
        return check_keys(caller=caller, plan=plan, rows=_rows(plan, options), progress=progress)


def _dry_pass(caller: Caller, plan: Plan, options: dict[str, Any]) -> Report:
    known = _source(plan)
    seen, rows = revoking.Seen(known), _rows(plan, options)
    with _progress("checking", plan, None, options) as progress:
        report = try_import(caller=caller, plan=plan, rows=rows, seen=seen, progress=progress)
    report.revoked += len(_gone(known, seen, report, options))
    return report


def _pass(
    caller: Caller, plan: Plan, options: dict[str, Any], total: int | None, first: reading.Stamp | None
) -> Report:
    """Import. `total` is the number of rows in which the check found nothing wrong, if there was one."""
    known = _source(plan)
    seen, rows = revoking.Seen(known), _rows(plan, options)
    with _progress("importing", plan, total, options) as progress:
        report = import_keys(caller=caller, plan=plan, rows=rows, seen=seen, progress=progress)
    broke = total is not None and report.faulty > 0
    report.has_changed = broke or reading.stamp_of(options["source"]) != first
    gone = _gone(known, seen, report, options)
    report.revoked += len(gone)
    revoking.revoke_missing(caller, gone)
    if known or report.read:
        settle(caller, KeySource.objects.get(name=plan.name))
    return report


def _source(plan: Plan) -> KeySource | None:
    return KeySource.objects.filter(name=plan.name).first()


def _rows(plan: Plan, options: dict[str, Any]) -> Iterator[Raw]:
    read = reading.raw_rows(options["source"], query_of(options))
    return (raw for raw in read if plan.source.takes(raw.values))


def _progress(
    what: str, plan: Plan, total: int | None, options: dict[str, Any]
) -> AbstractContextManager[Progress]:
    return progress_bar(f"{what} {plan.name}", total, quiet=options["json"])


def _has_all(options: dict[str, Any]) -> bool:
    has_all = reading.is_database(options["source"]) or options["complete"]
    return has_all and not options["keep_missing"]


def _gone(known: KeySource | None, seen: revoking.Seen, report: Report, options: dict[str, Any]) -> list[int]:
    """Return the keys to revoke because SOURCE does not have them any more. Raises Invalid for most."""
    if known is None or not _has_all(options) or report.has_changed:
        return []
    if report.faulty:
        say("keys that are gone were not revoked: a broken row may be one of them")
        return []
    return revoking.missing(known, seen)
